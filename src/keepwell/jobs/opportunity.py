"""Opportunities: one per account for all the signs that speak for it, found, followed and won."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from django.db import transaction
from django.db.models import QuerySet

from keepwell.base.errors import UserError
from keepwell.facts.moment import Moment
from keepwell.facts.notice import Notice
from keepwell.jobs.audit import record_act
from keepwell.jobs.notify import do_queue_notifications
from keepwell.jobs.panel import in_statements, named
from keepwell.jobs.signal_evidence import Evidence, Scene
from keepwell.jobs.signal_notice import sign_notice
from keepwell.lake.evidence import Witness, newest_events
from keepwell.lake.log import EventLog
from keepwell.metrics.event_filter import EventFilter
from keepwell.signals.look import Look
from keepwell.signals.opportunity import URGENCIES, OpportunityRule
from keepwell.signals.truth import YES
from keepwell.signals.worth import Standing
from keepwell.store.models import Opportunity, OpportunitySign
from keepwell.store.read.dictionary import name_codes

Stage = Literal["open", "contacted", "won", "lost", "lapsed"]
# What a member may say of one.
Move = Literal["contacted", "lost"]
BY: Final = "worker"
NOTE_CHARACTERS: Final = 2000
EVENTS_READ: Final = 20


def do_open_signs(scene: Scene, found: Look, *, now: datetime) -> int:
    """Write down the signs that a look found; the first one at an account opens its opportunity."""
    opened: dict[str, list[int]] = {}
    for change in found.changes:
        if change.noun == "opportunity" and change.transition == "open":
            opened.setdefault(change.rule, []).append(change.row)
    touched: dict[int, Opportunity] = {}
    notices: list[Notice] = []
    for name, rows in opened.items():
        rule = scene.book.opportunities[name]
        evidence = scene.evidence(rule.when, rows)
        for row in rows:
            opportunity = _open_one(scene, row, rule, now)
            sign = _sign(scene, opportunity, name, rule, row, evidence[row], now)
            sign.save(force_insert=True)
            notices.append(sign_notice(sign, scene.accounts[opportunity.account_id], scene.book))
            touched[opportunity.pk] = opportunity
    for opportunity in touched.values():
        _sum_up(scene, opportunity)
    do_queue_notifications(notices, calendar=scene.calendar, by=BY, now=now)
    return sum(len(rows) for rows in opened.values())


def do_close_signs(scene: Scene, found: Look, ended: Sequence[int], *, now: datetime) -> int:
    """Close the signs that are over. An opportunity without any left, or of an account that ended, lapses."""
    closed: dict[int, set[str]] = {}
    for change in found.changes:
        if change.noun == "opportunity" and change.transition == "close":
            closed.setdefault(change.account, set()).add(change.rule)
    count = 0
    rows = open_opportunities().filter(package=scene.package)
    for opportunity in (one for some in in_statements(sorted(closed)) for one in rows.filter(account__in=some)):
        over = opportunity.signs.filter(rule__in=closed[opportunity.account_id], closed_at=None)
        count += over.update(closed_at=now)
        if opportunity.signs.filter(closed_at=None).exists():
            _sum_up(scene, opportunity)
        elif opportunity.stage == "open":
            _settle(opportunity, "lapsed", now)
    for opportunity in (one for some in in_statements(ended) for one in rows.filter(account__in=some)):
        count += opportunity.signs.filter(closed_at=None).update(closed_at=now)
        _settle(opportunity, "lapsed", now)
    return count


def do_follow_opportunities(scene: Scene, *, now: datetime) -> None:
    """Note which are blocked, and find in the events which were contacted and which were won."""
    place = {account: row for row, account in enumerate(scene.panel.accounts.tolist())}
    rows = named(open_opportunities().filter(package=scene.package), list(place))
    waiting = [row for row in rows if row.account_id in place]
    if not waiting:
        return
    blocked = {name: one.when.truth(scene.panel) for name, one in scene.book.blocked.items()}
    won, contacted = _told(scene, scene.book.won, waiting), _told(scene, scene.book.contacted, waiting)
    for opportunity in waiting:
        row = place[opportunity.account_id]
        reasons = [scene.book.blocked[name].because for name, truth in blocked.items() if truth[row] == YES]
        contact = _first(contacted, opportunity)
        before = (opportunity.contacted_at, opportunity.blocked_because)
        if contact is not None and opportunity.contacted_at is None:
            opportunity.contacted_at, opportunity.stage = contact.at, "contacted"
        opportunity.blocked_because = "; ".join(reasons)[:300]
        growth = _first(won, opportunity)
        if growth is not None:
            opportunity.won_yearly = _gained(scene, opportunity)
            opportunity.signs.filter(closed_at=None).update(closed_at=now)
            _settle(opportunity, "won", growth.at)
        elif (opportunity.contacted_at, opportunity.blocked_because) != before:
            opportunity.save(update_fields=["contacted_at", "stage", "blocked_because"])


def do_move_opportunity(opportunity: Opportunity, stage: Move, *, note: str = "", by: str, now: datetime) -> None:
    """What a member knows: that the account was contacted about it, or that nothing came of it."""
    with transaction.atomic():
        fresh = open_opportunities().select_for_update().filter(pk=opportunity.pk).first()
        if fresh is None:
            raise UserError("This opportunity is closed already; there is nothing to do about it.")
        fresh.note = note[:NOTE_CHARACTERS] or fresh.note
        if stage == "contacted":
            fresh.stage, fresh.contacted_at = stage, fresh.contacted_at or now
        else:
            fresh.stage, fresh.closed_at, fresh.closed_by = stage, now, by
            fresh.signs.filter(closed_at=None).update(closed_at=now)
        fresh.save(update_fields=["stage", "contacted_at", "closed_at", "closed_by", "note"])
        record_act("opportunity_moved", f"opportunity {fresh.pk}", {"stage": stage, "note": note}, by=by, now=now)


def open_opportunities() -> QuerySet[Opportunity]:
    return Opportunity.objects.filter(closed_at=None)


def _open_one(scene: Scene, row: int, rule: OpportunityRule, now: datetime) -> Opportunity:
    account = scene.accounts[int(scene.panel.accounts[row])]
    known = {"version": scene.version, "urgency": rule.urgency, "mrr_before": account.mrr, "opened_at": now}
    return open_opportunities().get_or_create(
        account=account, package=scene.package, closed_at=None, defaults={**known, "assignee": account.owner}
    )[0]


def _sign(
    scene: Scene,
    opportunity: Opportunity,
    name: str,
    rule: OpportunityRule,
    row: int,
    evidence: Evidence,
    now: datetime,
) -> OpportunitySign:
    account = scene.accounts[int(scene.panel.accounts[row])]
    metrics = {metric: _known(float(values[row])) for metric, values in scene.panel.metrics.items()}
    standing = Standing(metrics, account.plan, account.seats, account.mrr, account.currency, scene.book.plans)
    value = rule.worth.value(standing)
    return OpportunitySign(
        opportunity=opportunity,
        rule=name,
        type=rule.type,
        title=rule.title,
        urgency=rule.urgency,
        recommend=rule.recommend,
        action=rule.action,
        confidence=rule.confidence,
        amount=value.amount if value else None,
        currency=value.currency if value else "",
        per=value.per if value else "",
        yearly=value.yearly if value else None,
        basis=value.basis[:300] if value else "",
        opened_at=now,
        evidence=evidence,
    )


def _sum_up(scene: Scene, opportunity: Opportunity) -> None:
    """Urgency and value of all open signs; amounts of different currencies are never added."""
    signs = list(opportunity.signs.filter(closed_at=None).order_by("-yearly", "pk"))
    valued = [sign for sign in signs if sign.yearly is not None]
    opportunity.urgency = min((sign.urgency for sign in signs), key=list[str](URGENCIES).index)
    if not valued:
        opportunity.yearly, opportunity.currency, opportunity.basis = None, "", ""
    else:
        largest = max(valued, key=lambda sign: (sign.yearly or Decimal(0), -sign.pk))
        alike = [sign for sign in valued if sign.currency == largest.currency]
        opportunity.currency = largest.currency
        if scene.book.together == "sum" and len(alike) > 1:
            opportunity.yearly = sum((sign.yearly or Decimal(0) for sign in alike), Decimal(0))
            opportunity.basis = f"sum of {len(alike)} signs"
        else:
            opportunity.yearly = largest.yearly
            opportunity.basis = (
                largest.basis if len(valued) == 1 else f"the largest of {len(valued)}: {largest.basis}"
            )[:300]
    opportunity.save(update_fields=["urgency", "yearly", "currency", "basis"])


def _told(scene: Scene, filters: Sequence[EventFilter], waiting: Sequence[Opportunity]) -> dict[int, list[Witness]]:
    accounts = sorted({row.account_id for row in waiting})
    since = min(row.opened_at for row in waiting)
    log, moment = EventLog(scene.home.log), Moment.at(scene.panel.as_of)
    return newest_events(log, filters, name_codes(), accounts, moment, most=EVENTS_READ, since=since)


def _first(events: dict[int, list[Witness]], opportunity: Opportunity) -> Witness | None:
    """The first such event after the opportunity opened."""
    later = [event for event in events.get(opportunity.account_id, ()) if event.at >= opportunity.opened_at]
    return later[-1] if later else None


def _gained(scene: Scene, opportunity: Opportunity) -> Decimal | None:
    now = scene.accounts[opportunity.account_id].mrr
    if now is None or opportunity.mrr_before is None:
        return None
    return (now - opportunity.mrr_before) * 12


def _settle(opportunity: Opportunity, stage: Stage, at: datetime) -> None:
    opportunity.stage, opportunity.closed_at = stage, at
    opportunity.save(update_fields=["stage", "closed_at", "won_yearly", "contacted_at", "blocked_because"])


def _known(value: float) -> float | None:
    return None if value != value else value
