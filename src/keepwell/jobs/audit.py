"""The record of acts: append-only rows, each chained to the one before it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from keepwell.store.models import AuditEntry

FIRST_HASH = "0" * 64


def record_act(act: str, noun: str, details: Mapping[str, object], *, by: str, now: datetime) -> None:
    """Append one act; call it inside the transaction that changes the rows it speaks of."""
    newest = AuditEntry.objects.select_for_update().order_by("-pk").values_list("hash", flat=True).first()
    entry = AuditEntry(at=now, by=by, act=act, noun=noun, details=dict(details))
    entry.hash = chained(newest or FIRST_HASH, entry)
    entry.save(force_insert=True)


def chained(before: str, entry: AuditEntry) -> str:
    """SHA-256 over the hash before and the entry's canonical JSON."""
    told = {
        "at": entry.at.isoformat(), "by": entry.by, "act": entry.act, "noun": entry.noun, "details": entry.details,
    }  # fmt: skip
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(before.encode() + text.encode()).hexdigest()
