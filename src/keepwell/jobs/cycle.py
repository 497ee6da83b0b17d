"""One turn of the live system: seal what waits, then score the accounts that have news.

`do_run_cycle` is called again and again by the worker. It takes `now` and nothing else from the clock, so
a replay can call the same function. Whatever was cut off is taken up by the next turn.

Several workers on PostgreSQL share a home: one of them seals at a time, and each scores the accounts that it claims.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When

from keepwell.base.business_time import Calendar
from keepwell.base.crash_point import crash_point
from keepwell.base.home import Home
from keepwell.jobs.arbitration import do_sweep_asked
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.deliver import Post
from keepwell.jobs.deliver_touch import Outbox
from keepwell.jobs.detect import due_accounts
from keepwell.jobs.diagnosis import do_write_diagnoses
from keepwell.jobs.earlier import EarlierScores
from keepwell.jobs.enrolment import due_enrolments
from keepwell.jobs.full_run import full_run_claimed, is_full_run_due
from keepwell.jobs.mapping import do_derive_history
from keepwell.jobs.milestone import do_award_month
from keepwell.jobs.package import log_columns, newest_versions, ready_log
from keepwell.jobs.part_time import part, timing
from keepwell.jobs.project import do_project_news
from keepwell.jobs.reject import do_take_assigned
from keepwell.jobs.score_accounts import do_score_accounts
from keepwell.jobs.seal import EVENTS_A_SEAL, Sealer
from keepwell.jobs.source_alert import do_watch_sources
from keepwell.jobs.touch import do_begin_turn, do_touch_aged
from keepwell.jobs.touch_text import do_write_touches
from keepwell.lake.engine import Engine
from keepwell.lake.log import EventLog
from keepwell.store.claim import ClaimLostError, claim_rows, held, new_claim, release_rows
from keepwell.store.listed import listed
from keepwell.store.models import ModelVersion, TouchedAccount
from keepwell.store.read.package import signals_about
from keepwell.store.read.score import aged_accounts

BY: Final = "worker"
# How soon a published mapping, a new package or a model that was published is noticed.
UPKEEP_EVERY: Final = timedelta(seconds=5)
# What time alone brings about, and notices that nobody's news calls for: an idle worker asks no oftener.
DUE_EVERY: Final = timedelta(seconds=2)
NOTIFIED_EVERY: Final = timedelta(seconds=2)
# Texts that a turn which failed left unwritten.
TEXTS_EVERY: Final = timedelta(seconds=5)
# Messages that wait for a yes and are not wanted any more.
SWEPT_EVERY: Final = timedelta(seconds=10)
# Silent sources and awards.
WATCHED_EVERY: Final = timedelta(minutes=1)
ASSIGNED_EVERY: Final = timedelta(minutes=1)
# No score grows older than an hour: from a quarter of one on, those of this share of the accounts are made anew.
AGED_EVERY: Final = timedelta(minutes=1)
AGED_AFTER: Final = timedelta(minutes=15)
AGED_SHARE: Final = 1 / 40
# So few that what comes in meanwhile waits about a second; another worker gets the rest.
URGENT_A_TURN: Final = 200
ACCOUNTS_A_TURN: Final = 1_000
# Scores of the past that the part of the others asks for besides its own, so that urgent news seldom has to.
LEARNED_AHEAD: Final = 1_000
# Far longer than a turn takes; the accounts of a worker that was killed wait for so long.
LEASE: Final = timedelta(minutes=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one turn did; `scored` counts accounts. `seconds` tells how long its parts took."""

    sealed: int = 0
    accepted: int = 0
    scored: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def was_idle(self) -> bool:
        return not (self.sealed or self.scored)


class Cycle:
    """The turns of one process."""

    def __init__(
        self,
        home: Home,
        engine: Engine,
        calendar: Calendar,
        *,
        post: Post | None = None,
        outbox: Outbox | None = None,
        asks_experts: bool = True,
        lease: timedelta = LEASE,
    ) -> None:
        """Without `post`, what members are to be told stays in the queue, and what contacts are without `outbox`;
        without `asks_experts` tasks wait for their diagnoses.
        """
        self._home = home
        self._post = post
        self._outbox = outbox
        self._asks_experts = asks_experts
        self._calendar = calendar
        self._engine = engine
        self._lease = lease
        self._sealer = Sealer(home)
        self._done_at: dict[str, datetime] = {}
        self._due: frozenset[int] = frozenset()
        self._earlier = EarlierScores()
        # The last account that had its turn.
        self._last = 0
        # Whether the last part of the others left some waiting.
        self._is_behind = False

    def do_run_cycle(self, *, now: datetime) -> CycleReport:
        """Seal everything that waits; score what has news or has grown old, and once a day everything.

        A mapping that was published is put into force before.
        """
        with timing() as seconds:
            if self._is_time("upkeep", UPKEEP_EVERY, now):
                with part("upkeep"):
                    ready_log(self._home, log_columns(read_catalogue(self._home)))
                    do_derive_history(self._home, by=BY, now=now)
                    self._due = frozenset(one.pk for one in newest_versions() if is_full_run_due(one, now))
            if self._is_time("assigned", ASSIGNED_EVERY, now):
                do_take_assigned(now=now)
            with part("seal"):
                report = self._seal()
            if self._is_time("aged", AGED_EVERY, now):
                do_touch_aged(aged_accounts(now - AGED_AFTER, AGED_SHARE), now=now)
            if self._is_time("due", DUE_EVERY, now):
                do_touch_aged(due_accounts(ACCOUNTS_A_TURN, now=now), now=now)
                do_touch_aged(due_enrolments(ACCOUNTS_A_TURN, now=now), now=now, is_urgent=True)
            if self._is_time("watch", WATCHED_EVERY, now):
                with part("watch"):
                    self._watch(now)
            scored = 0
            try:
                scored = self._score(now)
            finally:
                # What other packages opened is told all the same.
                self._tell(now, is_busy=scored > 0)
        return replace(report, scored=scored, seconds=seconds)

    def _tell(self, now: datetime, *, is_busy: bool) -> None:
        """Members what was noticed, and contacts what playbooks say to them."""
        if self._post is not None and (is_busy or self._is_time("notify", NOTIFIED_EVERY, now)):
            with part("notify"):
                self._post.do_deliver_notifications(now=now)
        with part("texts"):
            if is_busy or self._is_time("texts", TEXTS_EVERY, now):
                do_write_touches(self._home, self._engine, now=now)
            if self._is_time("asked", SWEPT_EVERY, now):
                with transaction.atomic():
                    do_sweep_asked(now=now)
        if self._outbox is not None:
            self._outbox.do_deliver_touches(now=now)
        if self._asks_experts:
            do_write_diagnoses(self._home, self._engine, now=now)

    def _watch(self, now: datetime) -> None:
        """What no account's news brings about: silent sources, and the awards of a month that is over."""
        do_watch_sources(self._home, self._calendar, now=now)
        for version in newest_versions():
            if signals_about(version) is not None:
                do_award_month(version, by=BY, now=now)

    def _is_time(self, what: str, every: timedelta, now: datetime) -> bool:
        before = self._done_at.get(what)
        if before is not None and before <= now < before + every:
            return False
        self._done_at[what] = now
        return True

    def _seal(self) -> CycleReport:
        report = CycleReport()
        # While events stream in something always waits, so a seal that took all there was is the last of the turn.
        is_more = True
        while is_more and (sealed := self._sealer.do_seal_inbox(wait=False)) is not None:
            report = replace(report, sealed=report.sealed + sealed.events, accepted=report.accepted + sealed.accepted)
            is_more = sealed.events >= EVENTS_A_SEAL
        if report.accepted:
            log = EventLog(self._home.log)
            if log.is_worth_compacting():
                with part("compact"):
                    log.compact()
        return report

    def _score(self, now: datetime) -> int:
        """What may open an alert by itself goes first, in a small part of its own that is soon done."""
        if not self._due and not TouchedAccount.objects.exists():
            return 0
        self._earlier.ahead = 0
        urgent = TouchedAccount.objects.filter(is_urgent=True).order_by("since", "pk")
        first = 0 if self._due else len(self._score_some(urgent, URGENT_A_TURN, now))
        if first and self._is_behind:
            # While more is touched than a turn can do, the others have every second one, in a large part: most of a
            # part's time does not depend on how many it scores.
            self._is_behind = False
            return first
        # The others in the order of the log, round and round: neighbours are read together, and everybody has a turn.
        is_behind = Case(When(pk__gt=self._last, then=Value(0)), default=Value(1))
        others = TouchedAccount.objects.order_by(is_behind, "pk")
        self._earlier.ahead = LEARNED_AHEAD
        scored = self._score_some(others, ACCOUNTS_A_TURN, now)
        self._last = scored[-1].account_id if scored else 0
        self._is_behind = len(scored) == ACCOUNTS_A_TURN
        return first + len(scored)

    def _score_some(self, waiting: QuerySet[TouchedAccount], most: int, now: datetime) -> Sequence[TouchedAccount]:
        claim = new_claim()
        touched = claim_rows(waiting, claim, self._lease, most)
        if touched:
            crash_point("score: claimed")
        try:
            if touched or self._due:
                self._score_claimed(touched, claim, now)
        except ClaimLostError:
            _log.warning("Another worker has taken over what this one had begun to score, and its lease had run out")
            return ()
        finally:
            if touched:
                release_rows(TouchedAccount.objects.all(), claim)
        return touched

    def _score_claimed(self, touched: Sequence[TouchedAccount], claim: str, now: datetime) -> None:
        # Only now: whoever claims an account after somebody else scores it as of later.
        moment = do_begin_turn(EventLog(self._home.log), now)
        if touched:
            with part("project"):
                do_project_news(self._home, touched, now=moment)
        failures: list[Exception] = []
        for version in newest_versions():
            try:
                if version.pk not in self._due or not self._score_all(version, moment, now):
                    self._score_touched(version, touched, claim, moment, now)
            except ClaimLostError:
                raise
            except Exception as error:  # noqa: BLE001
                # Whatever is wrong with one package, the others are scored; the turn fails below.
                _log.exception("Scoring %s failed; the accounts with news are scored again", version.model)
                failures.append(error)
        if failures:
            raise failures[0]
        crash_point("score: written")
        self._finish(claim, moment)

    def _score_all(self, version: ModelVersion, moment: datetime, now: datetime) -> bool:
        """False where another worker is at it."""
        with full_run_claimed(version) as check:
            if check is None:
                return False
            if is_full_run_due(version, now):
                do_score_accounts(
                    self._home, self._engine, version, [moment], check=check, detects=self._calendar, by=BY, now=now
                )
        self._due -= {version.pk}
        return True

    def _score_touched(
        self, version: ModelVersion, touched: Sequence[TouchedAccount], claim: str, moment: datetime, now: datetime
    ) -> None:
        if not touched:
            return
        accounts = [one.account_id for one in touched]
        aged = {one.account_id for one in touched if one.known_at is None}

        def check() -> None:
            if len(held(TouchedAccount.objects.all(), claim)) < len(touched):
                raise ClaimLostError

        do_score_accounts(
            self._home,
            self._engine,
            version,
            [moment],
            accounts=accounts,
            aged=aged,
            check=check,
            detects=self._calendar,
            live=self._earlier,
            by=BY,
            now=now,
        )

    def _finish(self, claim: str, moment: datetime) -> None:
        """Forget the touches that scores as of the moment know of; those that came meanwhile stay."""
        with transaction.atomic():
            own = TouchedAccount.objects.filter(pk__in=listed(held(TouchedAccount.objects.all(), claim)))
            own.filter(Q(known_at=None) | Q(known_at__lt=moment)).delete()
