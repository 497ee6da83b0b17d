"""Milestones: successes reached, whether it is wise to celebrate them now, and the awards of a month."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from django.db import transaction
from django.db.models import Avg, QuerySet

from keepwell.base.errors import UserError
from keepwell.health.weight import NANO
from keepwell.jobs.audit import record_act
from keepwell.jobs.notify import do_queue_notifications
from keepwell.jobs.panel import named
from keepwell.jobs.signal_evidence import Scene
from keepwell.jobs.signal_notice import milestone_notice
from keepwell.jobs.update_rows import update_rows
from keepwell.playbooks.facts import ROW
from keepwell.signals.look import Look
from keepwell.signals.milestone import Award, unwise_reasons
from keepwell.signals.panel import Panel
from keepwell.store.models import AuditEntry, Milestone, ModelVersion, ScoreRecord
from keepwell.store.read.package import signals_of

BY: Final = "worker"
ROWS_A_STATEMENT: Final = 500
Settled = Literal["celebrated", "passed_over"]


def do_reach_milestones(scene: Scene, found: Look, *, now: datetime) -> int:
    """Write down what was reached; a milestone of once only never again."""
    reached: dict[str, list[int]] = {}
    for change in found.changes:
        if change.noun == "milestone" and change.transition == "open":
            reached.setdefault(change.rule, []).append(change.row)
    made: list[Milestone] = []
    for name, rows in reached.items():
        rule = scene.book.milestones[name]
        accounts = [int(scene.panel.accounts[row]) for row in rows]
        before = named(Milestone.objects.filter(package=scene.package, rule=name), accounts)
        had = set(before.values_list("account_id", flat=True)) if rule.once else set()
        fresh = [row for row, account in zip(rows, accounts, strict=True) if account not in had]
        evidence = scene.evidence(rule.when, fresh)
        made += Milestone.objects.bulk_create(
            (
                Milestone(
                    account_id=int(scene.panel.accounts[row]),
                    package=scene.package,
                    version=scene.version,
                    rule=name,
                    title=rule.title,
                    action=rule.action,
                    reached_at=now,
                    evidence=evidence[row],
                )
                for row in fresh
            ),
            batch_size=ROWS_A_STATEMENT,
        )
    notices = [milestone_notice(one, scene.accounts[one.account_id], scene.book) for one in made]
    do_queue_notifications(notices, calendar=scene.calendar, by=BY, now=now)
    return len(made)


def do_judge_milestones(scene: Scene) -> None:
    """Say of every new milestone at these accounts whether celebrating it would be out of place now."""
    place = {account: row for row, account in enumerate(scene.panel.accounts.tolist())}
    rows = named(new_milestones().filter(package=scene.package), list(place))
    waiting = [row for row in rows if row.account_id in place]
    reasons = unwise_reasons(scene.book.unwise, scene.panel, [place[row.account_id] for row in waiting])
    changed: list[Milestone] = []
    for milestone in waiting:
        because = "; ".join(reasons[place[milestone.account_id]])[:300]
        if because != milestone.unwise_because:
            milestone.unwise_because = because
            changed.append(milestone)
    update_rows(changed, ["unwise_because"])


def is_unwise_to_celebrate(version: ModelVersion, panel: Panel, *, is_falling: bool) -> bool:
    """Whether nothing should be celebrated at the one account of a panel that holds what the version's playbooks ask.

    `is_falling` says that it has an open alert of severity critical or high.
    """
    return is_falling or bool(unwise_reasons(signals_of(version).unwise, panel, [ROW])[ROW])


def do_settle_milestone(milestone: Milestone, state: Settled, *, by: str, now: datetime) -> None:
    """Somebody celebrated it, or decided not to."""
    with transaction.atomic():
        if not new_milestones().filter(pk=milestone.pk).update(state=state, settled_at=now, settled_by=by):
            raise UserError(f"The milestone '{milestone.title}' is settled already; there is nothing to do about it.")
        record_act("milestone_settled", f"milestone {milestone.pk}", {"state": state}, by=by, now=now)


def do_award_month(version: ModelVersion, *, by: str, now: datetime) -> int:
    """Give the awards of the last whole month (UTC) that were not given yet, and say how many accounts got one.

    Of a month that was scored only afterwards, from imported history, there are none.
    """
    book = signals_of(version)
    first = now.astimezone(UTC).date().replace(day=1)
    month = (first - timedelta(days=1)).replace(day=1)
    count = 0
    if not _was_lived(version, month):
        return 0
    for name, award in book.awards.items():
        with transaction.atomic():
            given = Milestone.objects.filter(package=book.package.id, rule=name, month=month)
            if given.exists():
                continue
            rows = [
                Milestone(
                    account_id=account,
                    package=book.package.id,
                    version=version,
                    rule=name,
                    title=award.title,
                    reached_at=now,
                    month=month,
                    evidence={
                        "lines": [
                            {
                                "label": f"Average score in {month:%B %Y}",
                                "value": average,
                                "unit": "points",
                                "limit": "",
                            },
                            {"label": "More than the month before", "value": rise, "unit": "points", "limit": ""},
                        ],
                        "events": [],
                    },
                )
                for account, average, rise in _winners(version, award, month, first)
            ]
            Milestone.objects.bulk_create(rows)
            if rows:
                told = {"month": f"{month:%Y-%m}", "accounts": len(rows)}
                record_act("month_awarded", f"{book.package.id}/{name}", told, by=by, now=now)
            count += len(rows)
    return count


def new_milestones() -> QuerySet[Milestone]:
    return Milestone.objects.filter(state="new")


def _was_lived(version: ModelVersion, month: date) -> bool:
    """Whether the model's scores were worked out while the month went on, from its beginning."""
    runs = AuditEntry.objects.filter(act="accounts_scored", noun=version.model, at__lte=_begin(month))
    return runs.exists()


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _winners(version: ModelVersion, award: Award, month: date, until: date) -> Sequence[tuple[int, float, float]]:
    """Accounts with their average of the month and its rise in points, the largest rise first."""
    earlier = (month - timedelta(days=1)).replace(day=1)
    before, now = _averages(version, earlier, month), _averages(version, month, until)
    rises = [
        (account, average, average - before[account])
        for account, average in now.items()
        if account in before and average >= award.least_score and average - before[account] >= award.least_rise
    ]
    return sorted(rises, key=lambda one: (-one[2], -one[1], one[0]))[: award.places]


def _averages(version: ModelVersion, since: date, until: date) -> dict[int, float]:
    records = ScoreRecord.objects.filter(version__model=version.model)
    records = records.filter(as_of__gte=_begin(since), as_of__lt=_begin(until))
    rows = records.exclude(band="").values_list("account").annotate(average=Avg("nano_points"))
    return {account: average / NANO for account, average in rows}
