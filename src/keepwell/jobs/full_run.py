"""Scoring every account at one moment: when it is due, and who does it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from keepwell.store.claim import ClaimLostError, claim_name, has_name, new_claim, release_name
from keepwell.store.models import AuditEntry, Derivation, ModelVersion

FULL_EVERY: Final = timedelta(days=1)
# Longer than a run over very many accounts takes.
LEASE: Final = timedelta(minutes=30)


def is_full_run_due(version: ModelVersion, now: datetime) -> bool:
    """Whether the newest run over all accounts is a day old, or was of another version or of other knowledge."""
    runs = AuditEntry.objects.filter(act="accounts_scored", noun=version.model, details__accounts="all")
    newest = runs.order_by("-at", "-pk").first()
    if newest is None or now - newest.at >= FULL_EVERY or newest.details.get("version") != version.number:
        return True
    # What events mean has changed since, and with it what was known at any moment.
    return Derivation.objects.filter(is_changed=True, applied_at__gt=newest.at).exists()


@contextmanager
def full_run_claimed(version: ModelVersion) -> Iterator[Callable[[], None] | None]:
    """Gives what to call in the transaction that writes, or None where another process is at it."""
    name, claim = f"full run of {version.model}", new_claim()
    if not claim_name(name, claim, LEASE):
        yield None
        return

    def check() -> None:
        if not has_name(name, claim):
            raise ClaimLostError

    try:
        yield check
    finally:
        release_name(name, claim)
