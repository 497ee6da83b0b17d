"""What members are told of signals that opened."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from keepwell.facts.notice import ADMIN, CSM, Notice, Severity
from keepwell.signals.alert import AlertRule
from keepwell.signals.book import SignalBook
from keepwell.signals.condition import Line
from keepwell.signals.sentence import evidence_sentence
from keepwell.store.models import Account, Alert, Milestone, OpportunitySign

# Good news may wait for the digest of the day; how soon a sign of growth asks for somebody decides how loud it is.
OF_URGENCY: Final[Mapping[str, Severity]] = {"high": "medium", "medium": "low", "low": "low"}


def alert_notice(alert: Alert, account: Account, rule: AlertRule, book: SignalBook) -> Notice:
    late = " It was known late." if alert.is_known_late else ""
    asked = f" {rule.action}" if rule.action else ""
    return Notice(
        subject="alert",
        subject_id=alert.pk,
        account_name=str(account),
        account_key=account.key,
        title=alert.title,
        sentence=f"{_sentence(alert, book)}.{late}{asked}",
        severity=rule.severity,
        roles=rule.notify,
        link=f"/alerts/{alert.pk}",
        account_owner_id=account.owner_id,
        tell=rule.tell,
        happened_at=alert.happened_at,
        respond_by=alert.respond_by,
    )


def source_notice(alert: Alert) -> Notice:
    """For the admins: a silent source is theirs to look after."""
    lines = [Line(**line) for line in cast("Sequence[Mapping[str, str]]", alert.evidence["lines"])]
    return Notice(
        subject="alert",
        subject_id=alert.pk,
        account_name="",
        title=alert.title,
        sentence=f"{evidence_sentence(lines, {})}. What depends on it is not judged until it sends again.",
        severity=cast("Severity", alert.severity),
        roles=(ADMIN,),
        link=f"/alerts/{alert.pk}",
        happened_at=alert.happened_at,
    )


def sign_notice(sign: OpportunitySign, account: Account, book: SignalBook) -> Notice:
    worth = f" It may be worth {sign.yearly:,.0f} {sign.currency} a year." if sign.yearly is not None else ""
    asked = f" {sign.action}" if sign.action else ""
    return Notice(
        subject="opportunity",
        subject_id=sign.pk,
        account_name=str(account),
        account_key=account.key,
        title=sign.title,
        sentence=f"{_sentence(sign, book)}.{worth}{asked}",
        severity=OF_URGENCY[sign.urgency],
        roles=(CSM,),
        link="/opportunities",
        account_owner_id=account.owner_id,
        tell=book.opportunities[sign.rule].tell,
    )


def milestone_notice(milestone: Milestone, account: Account, book: SignalBook) -> Notice:
    asked = f" {milestone.action}" if milestone.action else ""
    return Notice(
        subject="milestone",
        subject_id=milestone.pk,
        account_name=str(account),
        account_key=account.key,
        title=milestone.title,
        sentence=f"{_sentence(milestone, book)}.{asked}",
        severity="low",
        roles=(CSM,),
        link="/milestones",
        account_owner_id=account.owner_id,
        tell="daily",
    )


def _sentence(signal: Alert | OpportunitySign | Milestone, book: SignalBook) -> str:
    lines = [Line(**line) for line in cast("Sequence[Mapping[str, str]]", signal.evidence["lines"])]
    units = {name: metric.unit for name, metric in book.package.metrics.items()}
    return evidence_sentence(lines, units) or signal.title
