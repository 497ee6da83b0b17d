"""The chain of acts shows every tampering."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from keepwell.base.errors import BugError
from keepwell.jobs.audit import record_act, verify_chain
from keepwell.store.models import AuditEntry

NOW = datetime(2026, 11, 20, 8, 2, 0, 123456, tzinfo=UTC)


@pytest.fixture
def chain(db: None) -> str:
    for number in range(30):
        with transaction.atomic():
            details = {"number": number, "text": "ü…", "nested": {"b": [1, 2.5], "a": None}}
            record_act("test", f"noun:{number}", details, by="ada@example.org", now=NOW + timedelta(minutes=number))
    return verify_chain().head


def test_an_untouched_chain_holds(chain: str) -> None:
    verdict = verify_chain()
    assert (verdict.entries, verdict.holds, verdict.head_at) == (30, True, NOW + timedelta(minutes=29))


@pytest.mark.parametrize("field", ["at", "by", "act", "noun", "details", "hash"])
def test_a_changed_field_is_found_where_it_was_changed(chain: str, field: str) -> None:
    for place in random.Random(1).sample(range(30), 5):
        entry = AuditEntry.objects.order_by("pk")[place]
        old = getattr(entry, field)
        new = {"at": NOW, "details": {"number": -1}, "hash": "f" * 64}.get(field, "somebody else")
        AuditEntry.objects.filter(pk=entry.pk).update(**{field: new})
        assert verify_chain().broken_at == entry.pk
        AuditEntry.objects.filter(pk=entry.pk).update(**{field: old})
    assert verify_chain().holds


def test_a_removed_and_a_swapped_entry_are_found(chain: str) -> None:
    first, second, third = AuditEntry.objects.order_by("pk")[10:13]
    AuditEntry.objects.filter(pk=first.pk).update(hash="0" * 64)
    AuditEntry.objects.filter(pk=second.pk).update(hash=first.hash)
    AuditEntry.objects.filter(pk=first.pk).update(hash=second.hash)
    assert verify_chain().broken_at == first.pk
    AuditEntry.objects.filter(pk__in=[first.pk, second.pk]).delete()
    assert verify_chain().broken_at == third.pk


def test_an_end_that_was_cut_off_is_found_by_a_head_noted_before(chain: str) -> None:
    AuditEntry.objects.order_by("-pk").first().delete()  # type: ignore[union-attr]
    assert verify_chain().holds
    assert not verify_chain(chain).holds


def test_an_act_is_recorded_with_the_act_or_not_at_all(transactional_db: None) -> None:
    with pytest.raises(BugError, match="outside a transaction"):
        record_act("test", "noun", {}, by="ada", now=NOW)
    assert AuditEntry.objects.count() == 0
