"""From a yes to a mail at the contact's: what is approved leaves as it was read, once, and not while it is stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from keepwell.base.business_time import Calendar
from keepwell.base.errors import UserError
from keepwell.base.settings import Settings
from keepwell.jobs.approval import do_approve_touch, do_refuse_touch
from keepwell.jobs.audit import verify_chain
from keepwell.jobs.cycle import Cycle
from keepwell.jobs.deliver_touch import Outbox
from keepwell.jobs.sending import (
    do_resume_sending,
    do_stop_sending,
    do_test_sending,
    do_turn_sending_off,
    do_turn_sending_on,
    example_packages,
)
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import Sending, Touch
from tests.channels.peers import Mailboxes, mail_server
from tests.flows.signal_world import BY, DAY, HOUR, MINUTE, NOW, Gym
from tests.web.playbook_company import playbook_company, robin, touch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def secret_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links to end all messages are signed with it."""
    monkeypatch.setitem(vars(django_settings), "SECRET_KEY", "only-for-these-tests-" * 2)


@pytest.fixture
def boxes() -> Iterator[Mailboxes]:
    with mail_server() as found:
        yield found


@pytest.fixture
def ours(tmp_path: Path, boxes: Mailboxes) -> Settings:
    return Settings(
        home=tmp_path, secret_key="s" * 40, mail_host="127.0.0.1", mail_port=boxes.port, mail_security="none",
        mail_sender="team@ours.example", public_url="https://keepwell.example",
    )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, ours: Settings) -> Iterator[Gym]:
    with playbook_company(tmp_path, NOW) as found:
        outbox = Outbox(ours)
        found.cycle = Cycle(found.home, embedded_engine(), Calendar(), outbox=outbox)
        yield found
        outbox.close(now=NOW)


def approve(found: Touch, text: str | None = None) -> None:
    text = found.text if text is None else text
    do_approve_touch(found, robin(), subject=found.subject, text=text, by=robin().email, now=NOW)


@pytest.mark.requirement("X07")
def test_what_was_approved_arrives_as_it_was_read_and_once(world: Gym, ours: Settings, boxes: Mailboxes) -> None:
    do_test_sending(ours, "ops@ours.example", None, by=BY, now=NOW)
    do_turn_sending_on(ours, None, by=BY, now=NOW)
    assert example_packages() == []
    world.turn(NOW + MINUTE)
    assert boxes.to == ["ops@ours.example"]
    approve(touch(), "Dear Ada,\n\nI was <there>.")
    approve(touch(account="beta"))
    with pytest.raises(UserError, match="waits for nobody's yes any more"):
        approve(touch())
    world.turn(*(NOW + minutes * MINUTE for minutes in range(2, 6)))
    assert sorted(boxes.to[1:]) == ["ada@acme.example", "ben@beta.example"]
    mails = {str(mail["To"]): mail for mail in boxes.taken[1:]}
    ada = next(mail for to, mail in mails.items() if "ada@" in to)
    plain, html = (ada.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert plain.get_content().startswith("Dear Ada,\r\n\r\nI was <there>.\r\n")
    assert "<p>Dear Ada,</p><p>I was &lt;there&gt;.</p>" in html.get_content()
    assert str(ada["From"]) == "Robin Coach <team@ours.example>"
    ben = next(mail for to, mail in mails.items() if "ben@" in to).get_body(("html",))
    assert ben is not None
    assert "https://gym.example/plan" in ben.get_content()
    assert (touch().state, touch(account="beta").state) == ("sent", "sent")
    assert verify_chain().holds


def test_nothing_leaves_while_messages_are_stopped_and_what_was_due_leaves_after(
    world: Gym, ours: Settings, boxes: Mailboxes
) -> None:
    do_test_sending(ours, "ops@ours.example", None, by=BY, now=NOW)
    do_turn_sending_on(ours, None, by=BY, now=NOW)
    do_stop_sending(robin(), by=robin().email, now=NOW)
    approve(touch())
    world.turn(NOW + MINUTE, NOW + HOUR)
    assert (touch().state, boxes.to) == ("todo", ["ops@ours.example"])
    with pytest.raises(UserError, match="Only owners and admins"):
        do_resume_sending(robin(), by=robin().email, now=NOW)
    do_resume_sending(None, by=BY, now=NOW + 2 * HOUR)
    world.turn(NOW + 2 * HOUR + MINUTE)
    assert boxes.to == ["ops@ours.example", "ada@acme.example"]


def test_a_yes_at_night_is_not_in_vain(world: Gym, ours: Settings, boxes: Mailboxes) -> None:
    do_test_sending(ours, "ops@ours.example", None, by=BY, now=NOW)
    do_turn_sending_on(ours, None, by=BY, now=NOW)
    # In Berlin it is 23:00; the message would be too late an hour later, and too late means not at all.
    night = NOW + 10 * HOUR
    Touch.objects.filter(pk=touch().pk).update(late="skip", due_at=night - HOUR, late_at=night + HOUR)
    found = touch()
    do_approve_touch(found, robin(), subject=found.subject, text=found.text, by=robin().email, now=night)
    world.turn(night + MINUTE, NOW + 19 * HOUR - MINUTE)
    assert (touch().state, touch().held_because) == ("todo", "It was night at the contact's.")
    world.turn(NOW + 19 * HOUR + MINUTE)
    assert boxes.to == ["ops@ours.example", "ada@acme.example"]


def test_what_is_refused_never_leaves_and_the_playbook_goes_on(world: Gym, ours: Settings, boxes: Mailboxes) -> None:
    do_test_sending(ours, "ops@ours.example", None, by=BY, now=NOW)
    do_turn_sending_on(ours, None, by=BY, now=NOW)
    do_refuse_touch(touch(), robin(), reason="", by=robin().email, now=NOW)
    world.turn(NOW + MINUTE, NOW + 2 * DAY)
    assert (touch().state, touch().reason) == ("suppressed", "It was not approved.")
    assert touch("again").state == "asked"
    assert boxes.to == ["ops@ours.example"]


def test_sending_is_turned_on_only_after_a_test_of_the_last_day(world: Gym, ours: Settings, boxes: Mailboxes) -> None:
    with pytest.raises(UserError, match="Send a test first"):
        do_turn_sending_on(ours, None, by=BY, now=NOW)
    boxes.answers["RCPT"] = "550 No such mailbox"
    assert do_test_sending(ours, "ops@ours.example", None, by=BY, now=NOW).outcome == "failed"
    with pytest.raises(UserError, match="Send a test first"):
        do_turn_sending_on(ours, None, by=BY, now=NOW)
    boxes.answers.clear()
    assert do_test_sending(ours, "ops@ours.example", None, by=BY, now=NOW).outcome == "sent"
    with pytest.raises(UserError, match="Send a test first"):
        do_turn_sending_on(ours, None, by=BY, now=NOW + DAY + MINUTE)
    with pytest.raises(UserError, match="Only owners and admins"):
        do_turn_sending_on(ours, robin(), by=robin().email, now=NOW)
    do_turn_sending_on(ours, None, by=BY, now=NOW)
    assert Sending.objects.get().is_on
    do_turn_sending_off(None, by=BY, now=NOW)
    approve(touch())
    world.turn(NOW + MINUTE)
    assert (touch().state, touch().reason) == ("suppressed", "Sending is off: this is what would have left.")
