"""One turn of the live system: seal what waits, then score the accounts that have news.

`do_run_cycle` is called again and again by the worker. It takes `now` and nothing else from the clock, so
a replay can call the same function. Whatever was cut off is taken up by the next turn.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.detect import due_accounts
from keepwell.jobs.mapping import do_derive_history
from keepwell.jobs.package import log_columns, newest_versions, ready_log
from keepwell.jobs.project import do_project_accounts
from keepwell.jobs.reject import do_take_assigned
from keepwell.jobs.score_accounts import do_score_accounts
from keepwell.jobs.seal import Sealer
from keepwell.lake.engine import Engine
from keepwell.lake.log import EventLog
from keepwell.store.models import AuditEntry, CurrentScore, Derivation, ModelVersion, ScoreRecord, TouchedAccount

BY: Final = "worker"
# Scores of accounts with news are at most this old.
SCORED_EVERY: Final = timedelta(seconds=15)
FULL_EVERY: Final = timedelta(days=1)
ASSIGNED_EVERY: Final = timedelta(minutes=1)
ACCOUNTS_A_TURN: Final = 20_000


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one turn did; `scored` counts accounts."""

    sealed: int = 0
    accepted: int = 0
    scored: int = 0

    @property
    def was_idle(self) -> bool:
        return not (self.sealed or self.scored)


class Cycle:
    """The turns of one home; one object per process, one process per home."""

    def __init__(self, home: Home, engine: Engine, calendar: Calendar) -> None:
        self._home = home
        self._calendar = calendar
        self._engine = engine
        self._sealer = Sealer(home)
        self._scored_at: datetime | None = None
        self._assigned_at: datetime | None = None

    def do_run_cycle(self, *, now: datetime) -> CycleReport:
        """Seal everything that waits; score what has news, and once a day everything.

        A mapping that was published is put into force before.
        """
        ready_log(self._home, log_columns(read_catalogue(self._home)))
        do_derive_history(self._home, by=BY, now=now)
        if self._assigned_at is None or now - self._assigned_at >= ASSIGNED_EVERY:
            self._assigned_at = now
            do_take_assigned(now=now)
        report = CycleReport()
        while (sealed := self._sealer.do_seal_inbox()) is not None:
            report = replace(report, sealed=report.sealed + sealed.events, accepted=report.accepted + sealed.accepted)
        log = EventLog(self._home.log)
        if log.is_worth_compacting():
            log.compact()
        if self._scored_at is None or now - self._scored_at >= SCORED_EVERY:
            self._scored_at = now
            report = replace(report, scored=self._score(now))
        return report

    def _score(self, now: datetime) -> int:
        touched = list(TouchedAccount.objects.order_by("pk").values_list("pk", flat=True)[:ACCOUNTS_A_TURN])
        touched = list(dict.fromkeys([*touched, *due_accounts(ACCOUNTS_A_TURN, now=now)]))
        if touched:
            do_project_accounts(self._home, touched, now=now)
        versions = newest_versions()
        due = {version.pk for version in versions if _is_full_run_due(version, now)}
        for version in versions:
            accounts = None if version.pk in due else touched
            if accounts is None or accounts:
                do_score_accounts(
                    self._home,
                    self._engine,
                    version,
                    [now],
                    accounts=accounts,
                    detects=self._calendar,
                    by=BY,
                    now=now,
                )
                if accounts:
                    _keep_one_an_hour(version, accounts, now)
        TouchedAccount.objects.filter(pk__in=touched).delete()
        return len(touched)


def _is_full_run_due(version: ModelVersion, now: datetime) -> bool:
    last = AuditEntry.objects.filter(act="accounts_scored", noun=version.model, details__accounts="all").order_by("-at")
    newest = last.values_list("at", flat=True).first()
    if newest is None or now - newest >= FULL_EVERY:
        return True
    # What events mean has changed since, and with it what was known at any moment.
    return Derivation.objects.filter(is_changed=True, applied_at__gt=newest).exists()


def _keep_one_an_hour(version: ModelVersion, accounts: list[int], now: datetime) -> None:
    """Of the scores within one hour only the newest stays, unless the band changed; any moment can be scored again."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    bands = dict(
        CurrentScore.objects.filter(model=version.model, account__in=accounts).values_list("account", "record__band")
    )
    earlier = ScoreRecord.objects.filter(version=version, account__in=accounts, as_of__gte=hour, as_of__lt=now)
    gone = [pk for pk, account, band in earlier.values_list("pk", "account", "band") if bands.get(account) == band]
    ScoreRecord.objects.filter(pk__in=gone).delete()
