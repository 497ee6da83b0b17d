"""The chain of acts: each entry's hash covers its own content and the hash before it.

h_n = SHA-256(h_{n-1} ‖ canonical JSON of entry n), with 32 zero bytes before the first entry.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction

from keepwell.base.errors import BugError
from keepwell.store.claim import take_turn
from keepwell.store.models import AuditEntry

BEFORE_THE_FIRST = "0" * 64
_TURN = 7_234_001


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify_chain` found: `broken_at` is the id of the first entry that does not follow from those before."""

    entries: int
    head: str
    head_at: datetime | None
    broken_at: int | None
    was_cut: bool

    @property
    def holds(self) -> bool:
        return self.broken_at is None and not self.was_cut


def record_act(act: str, noun: str, details: Mapping[str, object], *, by: str, now: datetime) -> None:
    """Append one entry. Call it inside the transaction of the act, so that both happen or none."""
    if not connection.in_atomic_block:
        raise BugError(f"record_act({act!r}) outside a transaction: the act and its entry could part.")
    # Two writers that read the same head would fork the chain.
    take_turn(_TURN)
    head = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first() or BEFORE_THE_FIRST
    entry = AuditEntry(at=now, by=by, act=act, noun=noun, details=dict(details))
    entry.hash = link(head, entry)
    entry.save(force_insert=True)


def verify_chain(known_head: str | None = None) -> Verdict:
    """Walk the whole chain. `known_head`, a hash noted elsewhere before, also shows entries cut off the end."""
    head, count, head_at, saw_known = BEFORE_THE_FIRST, 0, None, known_head is None
    with transaction.atomic():
        for entry in AuditEntry.objects.order_by("id").iterator(chunk_size=2000):
            if link(head, entry) != entry.hash:
                return Verdict(count, head, head_at, entry.pk, was_cut=False)
            head, count, head_at = entry.hash, count + 1, entry.at
            saw_known = saw_known or head == known_head
    return Verdict(count, head, head_at, None, was_cut=not saw_known)


def link(head: str, entry: AuditEntry) -> str:
    """Hash of an entry that follows `head`."""
    content = {
        "act": entry.act,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "by": entry.by,
        "details": entry.details,
        "noun": entry.noun,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(bytes.fromhex(head) + text.encode()).hexdigest()
