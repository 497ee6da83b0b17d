"""Rules of the packages in force, and how often they were right."""

from django.http import HttpRequest
from ninja import Router, Schema

from keepwell.base.clock import SystemClock
from keepwell.jobs.today_shape import RuleShape, rule_shape
from keepwell.store.read.rule import access_rules
from keepwell.web.pages.frame import member_of

router = Router()


class RuleList(Schema):
    rules: list[RuleShape]


@router.get("", response=RuleList, summary="Rules with what became of their signals")
def list_rules(request: HttpRequest) -> RuleList:
    """Precision and conversion are apart and never without the number of signals behind them."""
    rows = access_rules(member_of(request), now=SystemClock().now())
    return RuleList(rules=[rule_shape(row) for row in rows])
