"""What waits costs nothing until it is due."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from keepwell.jobs.enrolment import due_enrolments, due_records
from keepwell.store.models import EnrolmentRecord
from tests.jobs.touch_world import NOW, contact, touch

pytestmark = pytest.mark.django_db


def test_what_is_due_is_found_by_its_time_and_what_waits_is_not_read() -> None:
    plan = due_records(now=NOW)[:1000].explain()
    assert "enrolment_due" in plan
    # Neither a scan nor a sort of what is open.
    assert not {"SCAN", "TEMP"} & set(plan.replace("(", " ").split())


def test_those_that_wait_longest_come_first() -> None:
    accounts = [touch(contact(name)).enrolment for name in ("acme", "beta", "corp")]
    for hours, record in zip((2, 3, -1), accounts, strict=True):
        EnrolmentRecord.objects.filter(pk=record.pk).update(due_at=NOW - timedelta(hours=hours))
    assert due_enrolments(10, now=NOW) == [accounts[1].account_id, accounts[0].account_id]


def test_what_is_over_cannot_wait() -> None:
    record = touch(contact("acme")).enrolment
    with pytest.raises(IntegrityError, match="enrolment_over_waits_not"):
        EnrolmentRecord.objects.filter(pk=record.pk).update(finished_at=NOW)
