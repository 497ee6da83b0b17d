"""What comes back to a mailbox: answers, bounces and complaints find the touch that they are about."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from zlib import crc32

import duckdb
import pytest

from keepwell.base.clock import FixedClock
from keepwell.base.home import Home
from keepwell.base.settings import Settings
from keepwell.channels.contact_mail import written
from keepwell.facts.inbound import Inbound
from keepwell.jobs.inbox import Inbox, read_batch
from keepwell.jobs.pull import Outcome, Puller, do_pull_source, pull_token
from keepwell.jobs.seal import Sealer
from keepwell.jobs.secret import Vault, open_vault
from keepwell.jobs.source import do_create_source
from keepwell.lake.log import EventLog
from keepwell.store.models import (
    Account,
    AuditEntry,
    Contact,
    EnrolmentRecord,
    InboxBatch,
    Member,
    ModelVersion,
    OptOut,
    PullPosition,
    Source,
    Touch,
)
from keepwell.store.read.opt_out import opted_out_contacts
from tests.channels.letters import MESSAGE, server
from tests.connectors import imap_server
from tests.flows.pull_records import NOW

pytestmark = pytest.mark.django_db(transaction=True)

SENT_AT = NOW - timedelta(days=2)
WRITTEN_AT = NOW - timedelta(days=1)
DATE = WRITTEN_AT.strftime("%a, %d %b %Y %H:%M:%S +0000")
FIRST, SECOND = "k1.touch@ours.example", "k2.touch@ours.example"


@dataclass
class World:
    """A mailbox, its source, and two touches of one enrolment with Ann at Harbour Lights."""

    folder: imap_server.Folder
    source: Source
    home: Path
    inbox: Inbox
    vault: Vault

    def comes(self, *mails: bytes, now: datetime = NOW) -> Outcome:
        """Mails lie in the mailbox, and it is pulled."""
        last = max(self.folder.mails, default=0)
        self.folder.mails |= {last + number: mail for number, mail in enumerate(mails, start=1)}
        return self.pull(now)

    def pull(self, now: datetime = NOW) -> Outcome:
        token = pull_token(self.source, self.vault)
        puller = Puller(self.source, token, self.home, self.inbox, FixedClock(now), lambda _, __: None)
        (outcome,) = do_pull_source(puller, by="cli:root")
        return outcome

    def events(self) -> list[tuple[str, str | None, str | None]]:
        return [(event.name, event.account, event.contact) for event in waiting()]

    def logged(self) -> int:
        """How many events the log holds, after everything was sealed. Forgets the touches: their package is empty."""
        EnrolmentRecord.objects.all().delete()
        ModelVersion.objects.all().delete()
        sealer = Sealer(Home(self.home))
        while sealer.do_seal_inbox():
            pass
        paths = EventLog(Home(self.home).log).snapshot().paths
        (found,) = duckdb.sql(f"SELECT count(*) FROM read_parquet({paths})").fetchall()
        return int(found[0])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    EventLog(Home(tmp_path).log).create({})
    vault = open_vault(Settings(home=tmp_path, secret_key="k" * 40))
    inbox = Inbox()
    inbox.start()
    folder = imap_server.Folder({})
    plant_touches()
    with imap_server.serving(folder) as port:
        settings = {"host": "127.0.0.1", "port": port, "name": "ann", "security": "none"}
        source = do_create_source(
            "answers", connector="mail", settings=settings, secrets=["s3cret"], vault=vault, by="cli:root", now=NOW
        )
        yield World(folder, source, tmp_path, inbox, vault)
    inbox.stop()


def plant_touches() -> None:
    account = Account.objects.create(key="harbour", name="Harbour Lights")
    contact = Contact.objects.create(account=account, key="ann-7", email="ann@harbour-lights.example")
    version = ModelVersion.objects.create(
        model="saas/saas", number=1, digest="d", text={}, published_at=SENT_AT, published_by="cli:root"
    )
    enrolment = EnrolmentRecord.objects.create(
        account=account, contact=contact, package="saas", playbook="rescue", title="Rescue", version=version,
        started_at=SENT_AT, started_by="worker",
    )  # fmt: skip
    for step, message_id in (("first", FIRST), ("second", SECOND)):
        Touch.objects.create(
            enrolment=enrolment, account=account, contact=contact, step=step, channel="mail", template="hello",
            purpose="service", priority=1, subject="Hello", text="Hello", queued_at=SENT_AT, due_at=SENT_AT,
            late_at=NOW, late="skip", state="sent", address="ann@harbour-lights.example", message_id=message_id,
            claimed_at=SENT_AT, settled_at=SENT_AT,
        )  # fmt: skip


def waiting() -> list[Inbound]:
    return [event for batch in InboxBatch.objects.order_by("pk") for event in read_batch(bytes(batch.body))]


def touch(message_id: str = FIRST) -> Touch:
    return Touch.objects.get(message_id=message_id)


def letter(number: int, text: str = "Thanks, all is well.", **headers: str) -> bytes:
    """A mail; a header is named with _ for -."""
    mail = EmailMessage()
    told = {
        "From": "ann@harbour-lights.example", "Date": DATE, "Message-ID": f"<m{number}@harbour-lights.example>",
        **headers,
    }  # fmt: skip
    for name, value in told.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def report(kind: str, fields: str, *, returned: str = FIRST, as_headers: bool = False) -> bytes:
    """A report of a mail server, with the mail that it is about."""
    of = "rfc822-headers" if as_headers else "rfc822"
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.ours.example\r\nTo: success@ours.example\r\n"
        f"Date: {DATE}\r\nMessage-ID: <report-{crc32(fields.encode())}@mx.ours.example>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is about a mail of yours.\r\n"
        f"--b\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n"
        f"--b\r\nContent-Type: {'text' if as_headers else 'message'}/{of}\r\n\r\n"
        f"From: success@ours.example\r\nTo: ann@harbour-lights.example\r\nMessage-ID:\r\n <{returned}>\r\n"
        "Subject: Hello\r\n\r\nHello\r\n--b--\r\n"
    ).encode()


def bounce(action: str, status: str, address: str = "Ann@Harbour-Lights.example", **more: bool) -> bytes:
    return report(
        "delivery-status",
        f"Reporting-MTA: dns; mx.ours.example\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: {action}\r\n"
        f"Status: {status}\r\nDiagnostic-Code: smtp; 550 {status} no such\r\n mailbox\r\n",
        **more,  # type: ignore[arg-type]
    )


def test_an_answer_is_of_the_contact_and_the_account_of_its_touch(world: World) -> None:
    outcome = world.comes(letter(1, From="Ann <ann.pier@home.example>", In_Reply_To=f"<{FIRST}>"))
    assert outcome.events == 1
    assert world.events() == [("message_replied", "harbour", "ann-7")]
    (event,) = waiting()
    assert event.message_id == "m1@harbour-lights.example"
    assert json.loads(event.props)["in_reply_to"] == FIRST
    assert touch().replied_at == WRITTEN_AT
    assert touch(SECOND).replied_at is None
    assert AuditEntry.objects.filter(act="answer_touch", noun=f"touch:{touch().pk}").count() == 1


def test_an_answer_in_a_thread_is_to_the_newest_touch_of_it(world: World) -> None:
    world.comes(letter(1, References=f"<{FIRST}> <{SECOND}> <other@harbour-lights.example>"))
    assert (touch(FIRST).replied_at, touch(SECOND).replied_at) == (None, WRITTEN_AT)


def test_the_first_answer_counts_and_the_same_mail_is_one_event(world: World) -> None:
    world.comes(letter(1, In_Reply_To=f"<{FIRST}>"))
    later = (WRITTEN_AT + timedelta(hours=3)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    world.comes(letter(2, In_Reply_To=f"<{FIRST}>", Date=later))
    # As after a kill before the position was kept, or a folder that the server counts anew.
    PullPosition.objects.all().delete()
    world.pull(NOW + timedelta(minutes=1))
    assert touch().replied_at == WRITTEN_AT
    assert len(waiting()) == 4
    assert world.logged() == 2
    assert AuditEntry.objects.filter(act="answer_touch").count() == 1


def test_a_clock_that_is_late_makes_no_answer_earlier_than_its_touch(world: World) -> None:
    world.comes(letter(1, In_Reply_To=f"<{FIRST}>", Date="Mon, 02 Jan 2006 15:04:05 +0000"))
    assert touch().replied_at == SENT_AT


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
    ],
)
def test_an_automatic_answer_is_none(world: World, headers: dict[str, str]) -> None:
    assert world.comes(letter(1, In_Reply_To=f"<{FIRST}>", **headers)).events == 0
    assert touch().replied_at is None


def test_other_mail_stays_what_it_was(world: World) -> None:
    world.comes(letter(1), letter(2, In_Reply_To="<x@elsewhere.example>"))
    assert world.events() == [
        ("message_received", None, "ann@harbour-lights.example"),
        ("message_replied", None, "ann@harbour-lights.example"),
    ]
    assert not Touch.objects.exclude(replied_at=None).exists()


def test_what_a_member_of_ours_writes_into_the_thread_is_no_answer(world: World) -> None:
    Member.objects.create_user("Ben@ours.example", None, name="Ben", role="csm")
    world.comes(letter(1, From="ben@OURS.example", In_Reply_To=f"<{FIRST}>"))
    assert touch().replied_at is None
    assert world.events() == [("message_replied", None, "ben@ours.example")]


@pytest.mark.parametrize("as_headers", [False, True])
def test_a_bounce_for_good_fails_its_touch_with_the_reason(world: World, *, as_headers: bool) -> None:
    world.comes(bounce("failed", "5.1.1", as_headers=as_headers))
    assert world.events() == [("message_bounced", "harbour", "ann-7")]
    assert json.loads(waiting()[0].props) == {"channel": "mail", "permanent": True}
    found = touch()
    assert (found.state, found.bounced_at, found.settled_at) == ("failed", WRITTEN_AT, SENT_AT)
    assert found.reason == "The mail came back: 5.1.1 smtp; 550 5.1.1 no such mailbox."
    assert touch(SECOND).state == "sent"
    assert AuditEntry.objects.filter(act="bounce_touch").count() == 1


def test_a_report_that_returns_a_mail_as_we_wrote_it_is_of_its_touch(world: World) -> None:
    sent = written(replace(MESSAGE, message_id=SECOND, earlier=(FIRST,)), server(1)).as_bytes()
    whole = bounce("failed", "5.1.1")
    start = whole.index(b"From: success@ours.example")
    world.comes(whole[:start] + sent + b"\r\n--b--\r\n")
    assert (touch(FIRST).state, touch(SECOND).state) == ("sent", "failed")


def test_an_answer_to_a_mail_as_we_wrote_it_is_to_its_touch(world: World) -> None:
    sent = message_from_bytes(written(replace(MESSAGE, message_id=SECOND, earlier=(FIRST,)), server(1)).as_bytes())
    thread = f"{sent['References']} {sent['Message-ID']}"
    world.comes(letter(1, In_Reply_To=str(sent["Message-ID"]), References=thread))
    assert (touch(FIRST).replied_at, touch(SECOND).replied_at) == (None, WRITTEN_AT)


def test_a_bounce_for_now_leaves_its_touch_sent_until_one_for_good_comes(world: World) -> None:
    world.comes(bounce("delayed", "4.4.1"))
    assert (touch().state, touch().bounced_at) == ("sent", WRITTEN_AT)
    assert json.loads(waiting()[0].props)["permanent"] is False
    world.comes(bounce("failed", "5.4.7"))
    assert (touch().state, touch().bounced_at) == ("failed", WRITTEN_AT)


def test_a_bounce_from_where_the_mail_was_sent_on_to_is_of_the_touch(world: World) -> None:
    world.comes(bounce("failed", "5.1.1", "pier@elsewhere.example"))
    assert world.events() == [("message_bounced", "harbour", "ann-7")]
    assert touch().state == "failed"


def test_a_bounce_of_another_mail_stays_what_it_was(world: World) -> None:
    world.comes(bounce("failed", "5.1.1").replace(FIRST.encode(), b"other@ours.example"))
    assert world.events() == [("message_bounced", None, "ann@harbour-lights.example")]
    assert touch().state == "sent"


def test_a_bounce_changes_nothing_of_a_touch_that_has_not_left(world: World) -> None:
    Touch.objects.update(state="suppressed", reason="Opted out.")
    world.comes(bounce("failed", "5.1.1"))
    assert (touch().state, touch().reason) == ("suppressed", "Opted out.")


def complaint(kind: str = "abuse", returned: str = FIRST) -> bytes:
    fields = (
        f"Feedback-Type: {kind}\r\nUser-Agent: Box/1\r\nVersion: 1\r\nOriginal-Rcpt-To: <Ann@Harbour-Lights.example>"
    )
    return report("feedback-report", f"{fields}\r\n", returned=returned)


def test_a_complaint_opts_its_contact_out_and_is_no_event(world: World) -> None:
    for _ in range(2):
        assert world.comes(complaint()).events == 0
    assert opted_out_contacts([touch().contact_id or 0]) == {touch().contact_id}
    assert AuditEntry.objects.filter(act="opt_out").count() == 1
    assert touch().state == "sent"


def test_a_complaint_about_no_touch_opts_nobody_out(world: World) -> None:
    world.comes(complaint(returned="other@ours.example"))
    assert not OptOut.objects.exists()


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_feedback_that_is_no_complaint_is_none(world: World, kind: str) -> None:
    assert world.comes(complaint(kind)).events == 0
    assert not OptOut.objects.exists()


def test_a_reason_made_to_break_things_is_kept_as_words(world: World) -> None:
    world.comes(bounce("failed", "5.1.1").replace(b"no such", b"\x00\x1b[31m\xff <b>" + b"x" * 900))
    assert touch().state == "failed"
    assert "\0" not in touch().reason
    assert len(touch().reason) <= 300
