"""What imports and mappings changed about the past: history that is learnt later is known, and startles nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Max, Q

from keepwell.base.home import Home
from keepwell.jobs.panel import named
from keepwell.lake.log import EventLog
from keepwell.store.models import Derivation, ImportedAccount

WRITER: Final = "import"
ROWS_A_STATEMENT: Final = 5_000


@dataclass(frozen=True, slots=True)
class LogMark:
    """How far the log was: the number of its newest seal of an import, and of its newest change of meaning."""

    seal: int
    derivation: int


def do_mark_imported(seal: int, accounts: Sequence[int]) -> None:
    """Before a seal with rows of these accounts is appended. Marks are derived, so no act is recorded."""
    ImportedAccount.objects.bulk_create(
        [ImportedAccount(account_id=account, seal=seal) for account in accounts],
        update_conflicts=True,
        unique_fields=["account"],
        update_fields=["seal"],
        batch_size=ROWS_A_STATEMENT,
    )


def read_mark(home: Home) -> LogMark:
    """Read it before the values that a look is about. What the log gains meanwhile is left to the next look."""
    log = EventLog(home.log)
    mark = _mark(log)
    if ImportedAccount.objects.filter(seal__gt=mark.seal).exists():
        # An import is just appending, or was killed before it did; its accounts are then told of by nothing newer.
        with log.sealing():
            mark = _mark(log)
            ImportedAccount.objects.filter(seal__gt=mark.seal).update(seal=mark.seal)
    return mark


def read_mark_after(home: Home) -> LogMark:
    """Read it after the values: how far the log was at most."""
    return _mark(EventLog(home.log))


def read_imported(accounts: Sequence[int]) -> dict[int, int]:
    """By account, the newest seal of imports that tells of it, or is about to."""
    return dict(named(ImportedAccount.objects.all(), accounts).values_list("account_id", "seal"))


def _mark(log: EventLog) -> LogMark:
    snapshot = log.snapshot()
    # One that is in the log and not noted as applied yet may have changed something.
    changes = Derivation.objects.filter(Q(is_changed=True) | Q(applied_at=None), number__lte=snapshot.mapping)
    return LogMark(snapshot.sealed(WRITER), changes.aggregate(newest=Max("number"))["newest"] or 0)
