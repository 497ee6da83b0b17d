"""Which accounts imports told of: history that comes in late is known, and startles nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keepwell.jobs.panel import named
from keepwell.store.models import ImportedAccount, ImportRun

# An import that was killed never ends; nobody waits for it longer than this.
LONGEST_IMPORT: Final = timedelta(days=1)
ROWS_A_STATEMENT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What imports told of an account: the newest run that has ended, and whether one still runs."""

    run: int
    is_running: bool


def do_mark_imported(run: ImportRun, accounts: Sequence[int]) -> None:
    """Before rows of these accounts go into the log. Marks are derived, so no act is recorded."""
    ImportedAccount.objects.bulk_create(
        [ImportedAccount(account_id=account, run=run) for account in accounts],
        ignore_conflicts=True,
        batch_size=ROWS_A_STATEMENT,
    )


def read_imported(accounts: Sequence[int] | None, *, now: datetime) -> dict[int, Imported]:
    """By account, what imports told of. Read it before the log: an import that ends in between is seen next time."""
    rows = ImportedAccount.objects.all() if accounts is None else named(ImportedAccount.objects.all(), accounts)
    found: dict[int, Imported] = {}
    for account, run, begun, ended in rows.values_list("account_id", "run_id", "run__started_at", "run__finished_at"):
        is_running = ended is None and now - begun < LONGEST_IMPORT
        last = found.get(account, Imported(0, is_running=False))
        found[account] = Imported(last.run if is_running else max(last.run, run), last.is_running or is_running)
    return found
