"""Messages to contacts, from due to what became of them, by a real mail server."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from keepwell.jobs.arbitration import do_sweep_asked
from keepwell.jobs.deliver_touch import PAUSES, Outbox
from keepwell.jobs.inbox import read_batch
from keepwell.jobs.opt_out import do_opt_out
from keepwell.store.models import InboxBatch, OfferRecord, Sending, StepRecord, Touch
from tests.channels.peers import Mailboxes
from tests.jobs.outbox_world import BY, NOW, due, enrolments, mail_settings, published, turned_on

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("secret_key")]


def states() -> list[str]:
    return list(Touch.objects.order_by("pk").values_list("state", flat=True))


def test_a_message_leaves_once_with_everything_a_mail_needs(tmp_path: Path, boxes: Mailboxes, outbox: Outbox) -> None:
    records = enrolments(published(tmp_path), 1)
    (first,) = due(records)
    turned_on()
    for minutes in range(3):
        outbox.do_deliver_touches(now=NOW + timedelta(minutes=minutes))
    (mail,) = boxes.taken
    first.refresh_from_db()
    assert (first.state, first.address, first.settled_at) == ("sent", "ada@a0.example", NOW)
    assert mail["Message-ID"] == f"<{first.message_id}>"
    assert mail["List-Unsubscribe"].startswith("<https://keepwell.example/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    due(records, "again", NOW + timedelta(hours=1))
    outbox.do_deliver_touches(now=NOW + timedelta(hours=1))
    assert boxes.taken[1]["In-Reply-To"] == mail["Message-ID"]


def test_what_was_sent_is_an_event_of_the_account(tmp_path: Path, boxes: Mailboxes, outbox: Outbox) -> None:
    due(enrolments(published(tmp_path), 1))
    turned_on()
    outbox.do_deliver_touches(now=NOW)
    (event,) = read_batch(InboxBatch.objects.get().body)
    assert (event.name, event.account, event.contact) == ("touch_sent", "a0", "ada")
    assert boxes.to == ["ada@a0.example"]


def test_off_by_default_and_stopped_at_once(tmp_path: Path, boxes: Mailboxes, outbox: Outbox) -> None:
    records = enrolments(published(tmp_path), 3)
    due(records[:1])
    outbox.do_deliver_touches(now=NOW)
    assert states() == ["suppressed"]
    assert StepRecord.objects.get(enrolment=records[0]).because.startswith("Sending is off")
    turned_on()
    Sending.objects.update(is_stopped=True)
    due(records[1:])
    outbox.do_deliver_touches(now=NOW)
    assert states() == ["suppressed", "todo", "todo"]
    Sending.objects.update(is_stopped=False)
    outbox.do_deliver_touches(now=NOW)
    assert states() == ["suppressed", "sent", "sent"]
    assert len(boxes.taken) == 2


def test_what_the_server_refuses_is_tried_for_three_days_and_then_failed(
    tmp_path: Path, boxes: Mailboxes, outbox: Outbox
) -> None:
    due(enrolments(published(tmp_path), 1))
    turned_on()
    boxes.answers["RCPT"] = "451 Come back later"
    now = NOW
    for pause in PAUSES:
        outbox.do_deliver_touches(now=now)
        touch = Touch.objects.get()
        assert (touch.state, touch.due_at) == ("todo", now + pause)
        now += pause
    outbox.do_deliver_touches(now=now)
    touch = Touch.objects.get()
    assert (touch.state, touch.attempts) == ("failed", len(PAUSES) + 1)
    assert "451" in touch.reason
    assert timedelta(days=2) < now - NOW < timedelta(days=4)


@pytest.mark.parametrize(("answers", "state"), [({"RCPT": "550 No such box"}, "failed"), ({"DATA": ""}, "unknown")])
def test_a_no_for_good_fails_and_a_lost_link_after_the_end_is_unknown(
    tmp_path: Path, boxes: Mailboxes, outbox: Outbox, answers: dict[str, str], state: str
) -> None:
    due(enrolments(published(tmp_path), 1))
    turned_on()
    boxes.answers.update(answers)
    outbox.do_deliver_touches(now=NOW)
    boxes.answers.clear()
    for days in range(1, 5):
        outbox.do_deliver_touches(now=NOW + timedelta(days=days))
    assert states() == [state]
    assert len(boxes.taken) == (1 if state == "unknown" else 0)


def test_an_opt_out_suppresses_what_waits_and_what_is_claimed(
    tmp_path: Path, boxes: Mailboxes, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F22: the first message is on its way while the second one's contact says no."""
    records = enrolments(published(tmp_path), 2)
    due(records)
    turned_on()
    claim = Outbox._claim

    def claimed(self: Outbox, *args: object) -> list[Touch]:
        found = claim(self, *args)  # type: ignore[arg-type]
        if found:
            do_opt_out(records[1].contact, way="page", by=BY, now=NOW)
        return found

    monkeypatch.setattr(Outbox, "_claim", claimed)
    outbox.do_deliver_touches(now=NOW)
    assert states() == ["sent", "suppressed"]
    assert boxes.to == ["ada@a0.example"]


def test_a_process_that_slept_through_its_lease_sends_nothing(tmp_path: Path, boxes: Mailboxes) -> None:
    due(enrolments(published(tmp_path), 1))
    turned_on()
    sleepy = Outbox(mail_settings(tmp_path, boxes), wait_s=0, lease=timedelta(0))
    awake = Outbox(mail_settings(tmp_path, boxes), wait_s=20)
    sleepy._claimed += sleepy._claim(Sending.objects.get(), Counter(), NOW)
    awake.do_deliver_touches(now=NOW)
    awake.do_deliver_touches(now=NOW)
    sleepy.do_deliver_touches(now=NOW)
    for one in (sleepy, awake):
        one.close(now=NOW)
    assert states() == ["sent"]
    assert len(boxes.taken) == 1


def test_night_caps_and_precedence_over_all_playbooks(tmp_path: Path, boxes: Mailboxes, outbox: Outbox) -> None:
    version = published(tmp_path, voice="quiet_hours: '20:00-08:00'\nmost_messages: 2\nwithin: 7d\ncool_down: 0d\n")
    (record,) = enrolments(version, 1)
    turned_on()
    night = NOW.replace(hour=22)
    due([record], "hello", night)
    outbox.do_deliver_touches(now=night)
    held = Touch.objects.get()
    assert (held.state, held.due_at) == ("todo", NOW.replace(day=3, hour=7))
    assert held.held_because.startswith("It was night")
    outbox.do_deliver_touches(now=held.due_at)
    due([record], "again", held.due_at + timedelta(hours=1), late="skip")
    due([record], "wish", held.due_at + timedelta(hours=2), late="skip")
    outbox.do_deliver_touches(now=held.due_at + timedelta(hours=3))
    assert states() == ["sent", "sent", "suppressed"]
    assert Touch.objects.get(step="wish").reason == "The contact had as many automatic messages as allowed."


@pytest.mark.parametrize("state", ["todo", "asked"])
def test_an_offer_that_has_expired_is_not_made(tmp_path: Path, boxes: Mailboxes, outbox: Outbox, state: str) -> None:
    records = enrolments(published(tmp_path), 2)
    for record, days in zip(records, (1, 3), strict=True):
        OfferRecord.objects.create(
            enrolment=record, offer="gift", step="gift", made_at=NOW, expires_at=NOW + timedelta(days=days)
        )
    due(records, offers=["gift"], state=state, late_at=NOW + timedelta(days=9))
    turned_on()
    with transaction.atomic():
        do_sweep_asked(now=NOW + timedelta(days=1))
    outbox.do_deliver_touches(now=NOW + timedelta(days=1))
    assert states() == ["suppressed", "sent" if state == "todo" else "asked"]
    assert Touch.objects.get(enrolment=records[0]).reason == "The offer that it speaks of had expired."
