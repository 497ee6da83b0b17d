"""What playbooks would have done over history: the live turns once more, in a home of their own, with nothing sent.

A turn comes whenever a step or a message is due, and at least every so often for what became known meanwhile.
Everything in the log counts as live: nothing in this home came by an import.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Min

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.jobs.arbitration import SENDING_IS_OFF, do_judge_touches, do_sweep_asked
from keepwell.jobs.detect import due_accounts
from keepwell.jobs.earlier import EarlierScores
from keepwell.jobs.enrolment import due_enrolments
from keepwell.jobs.full_run import FULL_EVERY
from keepwell.jobs.project import do_project_accounts, do_project_news
from keepwell.jobs.replay_home import ReplayPlan, replayed_version
from keepwell.jobs.score_accounts import do_score_accounts
from keepwell.jobs.touch import do_touch_accounts, do_touch_aged, news_of
from keepwell.jobs.touch_text import do_write_touches
from keepwell.lake.engine import Engine
from keepwell.lake.history import known_between
from keepwell.lake.log import EventLog
from keepwell.store.models import Account, Alert, EnrolmentRecord, Task, Touch, TouchedAccount

BY: Final = "replay"
AT_ONCE: Final = 10_000
SENT: Final = "sent"


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What would have happened. `suppressed` never left and `held_back` left later or still waits, both by why;
    `asked` waits for a yes, by role. `sent` went to `contacts` by mail, `shown` in the product."""

    version: str
    turns: int
    accounts: int
    alerts: int
    started: Mapping[str, int]
    ended: Mapping[str, int]
    sent: int
    contacts: int
    shown: int
    asked: Mapping[str, int]
    held_back: Mapping[str, int]
    suppressed: Mapping[str, int]
    tasks: Mapping[str, int]
    seconds: float


@dataclass(slots=True)
class _Clock:
    """How far the replay is: what became known until `told_until` was looked at, everybody at `full_at`."""

    told_until: datetime
    full_at: datetime
    turns: int = 0
    held: set[tuple[int, str]] = field(default_factory=set)


class Replay:
    """In a home made for it; `do_replay` is called once."""

    def __init__(self, home: Home, engine: Engine, calendar: Calendar, plan: ReplayPlan) -> None:
        self._home = home
        self._engine = engine
        self._calendar = calendar
        self._plan = plan
        self._version = replayed_version(plan.package)
        self._earlier = EarlierScores()
        self._clock = _Clock(plan.begins_at, plan.begins_at)

    def do_replay(self) -> ReplayReport:
        """The first look is quiet, as on a home where the package was published at that moment."""
        begun = time.monotonic()
        plan, clock = self._plan, self._clock
        self._score_all(plan.begins_at)
        grid_at = plan.begins_at + plan.every
        now = plan.begins_at
        while now < plan.ends_at:
            now = min(plan.ends_at, self._next(grid_at, now))
            is_grid = now >= min(grid_at, plan.ends_at)
            self._turn(now, is_grid=is_grid)
            clock.turns += 1
            if is_grid:
                grid_at = now + plan.every
        return self._report(time.monotonic() - begun)

    def _next(self, grid_at: datetime, now: datetime) -> datetime:
        """What is still due after its turn waits for the next one."""
        steps = EnrolmentRecord.objects.filter(finished_at=None, due_at__gt=now).aggregate(at=Min("due_at"))["at"]
        messages = Touch.objects.filter(state="todo", due_at__gt=now).aggregate(at=Min("due_at"))["at"]
        due: list[datetime] = [at for at in (steps, messages) if at is not None]
        return min([grid_at, *due])

    def _turn(self, now: datetime, *, is_grid: bool) -> None:
        clock = self._clock
        if is_grid:
            news = known_between(EventLog(self._home.log), clock.told_until, now)
            if len(news):
                do_touch_accounts(news_of(news))
            clock.told_until = now
            do_touch_aged(due_accounts(AT_ONCE, now=now), now=now)
        do_touch_aged(due_enrolments(AT_ONCE, now=now), now=now, is_urgent=True)
        if is_grid and now - clock.full_at >= FULL_EVERY:
            self._score_all(now)
        else:
            self._score_touched(now)
        TouchedAccount.objects.all().delete()
        self._speak(now)

    def _score_all(self, now: datetime) -> None:
        do_project_accounts(self._home, None, now=now)
        do_score_accounts(self._home, self._engine, self._version, [now], detects=self._calendar, by=BY, now=now)
        self._clock.full_at = now

    def _score_touched(self, now: datetime) -> None:
        touched = list(TouchedAccount.objects.order_by("pk"))
        if not touched:
            return
        do_project_news(self._home, touched, now=now)
        do_score_accounts(
            self._home,
            self._engine,
            self._version,
            [now],
            accounts=[one.account_id for one in touched],
            aged={one.account_id for one in touched if one.known_at is None},
            detects=self._calendar,
            live=self._earlier,
            by=BY,
            now=now,
        )

    def _speak(self, now: datetime) -> None:
        while do_write_touches(self._home, self._engine, now=now):
            pass
        with transaction.atomic():
            do_sweep_asked(now=now)
            if self._plan.is_approved:
                Touch.objects.filter(state="asked").update(state="todo", approved_at=now, approved_by=BY)
            do_judge_touches(AT_ONCE, is_on=False, now=now)
        held = Touch.objects.filter(state="todo").exclude(held_because="")
        self._clock.held |= set(held.values_list("pk", "held_because"))

    def _report(self, seconds: float) -> ReplayReport:
        enrolments = EnrolmentRecord.objects.all()
        left = Touch.objects.filter(state="suppressed", reason=SENDING_IS_OFF)
        suppressed = Touch.objects.filter(state="suppressed").exclude(reason=SENDING_IS_OFF)
        return ReplayReport(
            version=str(self._version),
            turns=self._clock.turns,
            accounts=Account.objects.filter(first_event_at__isnull=False).count(),
            alerts=Alert.objects.count(),
            started=_counted(enrolments.values_list("playbook", flat=True)),
            ended=_counted(enrolments.exclude(finished_at=None).values_list("finished_because", flat=True)),
            sent=left.count(),
            contacts=left.values("contact").distinct().count(),
            shown=Touch.objects.filter(state=SENT).count(),
            asked=_counted(Touch.objects.filter(state="asked").values_list("approve_by", flat=True)),
            held_back=_counted(because for _, because in self._clock.held),
            suppressed=_counted(suppressed.values_list("reason", flat=True)),
            tasks=_counted(Task.objects.values_list("role", flat=True)),
            seconds=round(seconds, 1),
        )


def _counted(words: Iterable[str]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(Counter(words).items(), key=lambda one: (-one[1], one[0])))
