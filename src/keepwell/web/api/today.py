"""Today: what comes first."""

from typing import Literal

from django.http import HttpRequest
from ninja import Router

from keepwell.base.clock import SystemClock
from keepwell.jobs.read_today import default_mine, read_today
from keepwell.jobs.today_shape import TodayShape, today_shape
from keepwell.web.pages.frame import member_of

router = Router()


@router.get("", response=TodayShape, summary="What comes first today, in order")
def today(request: HttpRequest, whose: Literal["mine", "all"] | None = None) -> TodayShape:
    """Without `whose`, a CSM who owns accounts gets those, and everybody else everything."""
    member, now = member_of(request), SystemClock().now()
    mine = default_mine(member) if whose is None else member if whose == "mine" else None
    return today_shape(member, read_today(member, mine, now=now), now=now)
