"""Invitations in the outbox: they leave with their request, and not once the meeting has begun."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from keepwell.jobs.arbitration import HELD_BACK, do_sweep_asked
from keepwell.jobs.deliver_touch import Outbox
from keepwell.playbooks.steps.calendar import MEETING_BEGUN
from keepwell.store.models import StepRecord, Touch
from tests.channels.peers import Mailboxes
from tests.jobs.outbox_world import NOW, due, enrolments, published, turned_on

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("secret_key")]
HOUR = timedelta(hours=1)
AT_NIGHT = "quiet_hours: '11:00-15:00'\nmost_messages: 100\ncool_down: 0d\n"


def invited(folder: Path, after: timedelta, voice: str = "", **more: object) -> Touch:
    """An invitation that is due, to a meeting of half an hour."""
    records = enrolments(published(folder, voice) if voice else published(folder), 1)
    starts_at = NOW + after
    told = {"starts_at": starts_at, "ends_at": starts_at + HOUR / 2, "place": "Room One", **more}
    (touch,) = due(records, **told)
    turned_on()
    return touch


def suppressed(touch: Touch) -> bool:
    touch.refresh_from_db()
    step = StepRecord.objects.get(step=touch.step)
    return (touch.state, touch.reason, step.state) == ("suppressed", HELD_BACK[MEETING_BEGUN], "suppressed")


def test_an_invitation_leaves_with_a_request(tmp_path: Path, boxes: Mailboxes, outbox: Outbox) -> None:
    invited(tmp_path, 2 * HOUR)
    outbox.do_deliver_touches(now=NOW)
    (mail,) = boxes.taken
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    request = list(mail.iter_parts())[2].get_content()
    assert "DTSTART:20260302T130000Z" in request
    assert "When: Monday 2 March 2026, 14:00 to 14:30 (Europe/Berlin)" in next(iter(mail.iter_parts())).get_content()


def test_once_the_meeting_has_begun_nothing_leaves(tmp_path: Path, boxes: Mailboxes, outbox: Outbox) -> None:
    touch = invited(tmp_path, 2 * HOUR)
    outbox.do_deliver_touches(now=NOW + 2 * HOUR)
    assert suppressed(touch)
    assert boxes.taken == []


def test_what_would_be_held_back_until_then_is_given_up_at_once(tmp_path: Path, outbox: Outbox) -> None:
    touch = invited(tmp_path, 2 * HOUR, AT_NIGHT)
    outbox.do_deliver_touches(now=NOW)
    assert suppressed(touch)


def test_what_is_held_back_until_before_it_waits(tmp_path: Path, outbox: Outbox) -> None:
    touch = invited(tmp_path, 4 * HOUR, AT_NIGHT)
    outbox.do_deliver_touches(now=NOW)
    touch.refresh_from_db()
    assert (touch.state, touch.due_at) == ("todo", NOW + 3 * HOUR)


def test_nobody_is_asked_any_more_once_it_has_begun(tmp_path: Path) -> None:
    touch = invited(tmp_path, 2 * HOUR, state="asked", approve_by="csm")
    with transaction.atomic():
        assert do_sweep_asked(now=NOW + HOUR) == 0
        assert do_sweep_asked(now=NOW + 2 * HOUR) == 1
    assert suppressed(touch)
