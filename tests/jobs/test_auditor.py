"""The auditor sees what should have moved and did not; its silence, and that of the monitor, is noticed in time."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.base.settings import Settings
from keepwell.channels.heartbeat import send_heartbeat
from keepwell.cli import worker
from keepwell.facts.message import Receipt
from keepwell.jobs import auditor as auditor_module
from keepwell.jobs.auditor import MONITOR, Auditor
from keepwell.jobs.examine import examine
from keepwell.jobs.member import do_add_member
from keepwell.jobs.stall import WORKS
from keepwell.lake.log import EventLog
from keepwell.store.models import EnrolmentRecord, InboxBatch, Notification, Sending, Stall, Touch
from tests.channels.peers import Hook, free_port, hook_receiver
from tests.jobs.touch_world import NOW, contact, touch

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def monitor() -> Iterator[Hook]:
    with hook_receiver() as found:
        yield found


@pytest.fixture(autouse=True)
def _owner() -> None:
    do_add_member("o@ours.example", name="O", role="owner", password="correct horse 1", by="test", now=NOW)


def auditor(url: str = "") -> Auditor:
    return Auditor(Calendar(), (lambda: send_heartbeat(url)) if url else None)


def message(state: str) -> None:
    touch(contact("acme", "ada@acme.example"), state)
    EnrolmentRecord.objects.update(due_at=None)
    Touch.objects.update(lease_until=NOW)


def events() -> None:
    InboxBatch.objects.create(source=1, known_at=NOW, hour=NOW, events=7, body=b"")


def steps() -> None:
    touch(contact("acme"), "sent")


def notices() -> None:
    Notification.objects.create(
        subject="alert", subject_id=1, title="A", sentence="A.", severity="high", link="/", tell="at_once",
        queued_at=NOW, due_at=NOW,
    )  # fmt: skip


STUCK: Final[dict[str, Callable[[], None]]] = {
    "events": events,
    "steps": steps,
    "texts": lambda: message("draft"),
    "messages": lambda: message("todo"),
    "claims": lambda: message("claimed"),
    "notices": notices,
}
PATIENCE: Final = {work.what: work.patience for work in WORKS}


def test_while_everything_moves_the_monitor_hears_of_it(monitor: Hook) -> None:
    for make in STUCK.values():
        make()
    looked = auditor(f"{monitor.url}/ping/7").do_audit(now=NOW + MINUTE)
    assert (looked.stalls, looked.was_heard) == ({}, True)
    assert monitor.paths == ["/ping/7"]
    assert not Stall.objects.exists()


@pytest.mark.parametrize("what", STUCK)
def test_what_does_not_move_is_told_once_and_the_monitor_hears_nothing(what: str, monitor: Hook) -> None:
    STUCK[what]()
    watching = auditor(monitor.url)
    assert watching.do_audit(now=NOW + PATIENCE[what]).was_heard
    for later in (SECOND, MINUTE, 2 * MINUTE):
        looked = watching.do_audit(now=NOW + PATIENCE[what] + later)
        assert (looked.stalls, looked.was_heard) == ({what: NOW}, False)
    assert len(monitor.paths) == 1
    told = Notification.objects.get(subject="stall")
    assert told.member is not None
    assert told.severity == "high"
    assert ", since 2026-11-25 12:00 UTC" in told.sentence


def test_what_moves_again_is_over_and_may_stall_anew(monitor: Hook) -> None:
    watching = auditor(monitor.url)
    for day in range(2):
        begun = NOW + timedelta(days=day)
        InboxBatch.objects.create(source=1, known_at=begun, hour=NOW, events=7, body=b"")
        watching.do_audit(now=begun + 5 * MINUTE)
        InboxBatch.objects.all().delete()
        assert watching.do_audit(now=begun + 6 * MINUTE).was_heard
    assert [(one.what, one.ended_at) for one in Stall.objects.order_by("pk")] == [
        ("events", NOW + 6 * MINUTE),
        ("events", NOW + timedelta(days=1) + 6 * MINUTE),
    ]
    assert Notification.objects.filter(subject="stall").count() == 2


def test_messages_that_the_stop_switch_holds_back_do_not_stall() -> None:
    message("todo")
    Sending.objects.create(pk=1, is_on=True, is_stopped=True)
    assert auditor().do_audit(now=NOW + timedelta(days=1)).stalls == {}


def test_a_monitor_that_is_gone_is_told_within_five_minutes() -> None:
    watching = auditor(f"http://127.0.0.1:{free_port()}/")
    stalls = [set(watching.do_audit(now=NOW + minute * MINUTE).stalls) for minute in range(6)]
    assert stalls == [set(), set(), set(), set(), {MONITOR}, {MONITOR}]
    assert "outside monitor cannot be reached" in Notification.objects.get(subject="stall").title


def test_a_lost_heartbeat_wakes_nobody(monitor: Hook) -> None:
    watching = auditor(monitor.url)
    for minute in range(60):
        monitor.status = 500 if minute % 3 else 200
        assert MONITOR not in watching.do_audit(now=NOW + minute * MINUTE).stalls


def test_the_doctor_tells_of_an_auditor_that_is_gone_and_of_what_it_found(tmp_path: Path) -> None:
    home = Home(tmp_path)
    EventLog(home.log).create({})

    def told(now: datetime) -> tuple[str, str]:
        return next((one.verdict, one.sentence) for one in examine(home, now=now) if one.what == "auditor")

    assert told(NOW)[0] == "look"
    auditor().do_audit(now=NOW)
    assert told(NOW + 30 * SECOND)[0] == "well"
    assert told(NOW + 6 * MINUTE) == (
        "ill",
        "The auditor looked 360 s ago; it should once a minute. Restart the worker.",
    )
    events()
    auditor().do_audit(now=NOW + 6 * MINUTE)
    verdict, sentence = told(NOW + 6 * MINUTE)
    assert verdict == "ill"
    assert "Events wait in the inbox, since 2026-11-25 12:00 UTC" in sentence


def test_the_worker_goes_on_auditing_after_a_look_that_failed(tmp_path: Path, monitor: Hook) -> None:
    looks: list[str] = []

    class Ticking(threading.Event):
        """Waits for no minute, and ends after three of them."""

        def wait(self, timeout: float | None = None) -> bool:
            looks.append(f"{timeout:.0f} s")
            return len(looks) > 3

    def failing(*, now: datetime) -> dict[str, datetime]:
        if len(looks) == 2:
            raise OSError("the database is away")
        return {}

    settings = Settings(home=tmp_path, heartbeat_url=monitor.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor_module, "stalled", failing)
        worker._audit(settings, Ticking())
    assert looks == ["60 s"] * 4
    assert len(monitor.paths) == 2


def test_a_heartbeat_that_is_refused_says_why(monitor: Hook) -> None:
    monitor.status = 404
    assert send_heartbeat(monitor.url) == Receipt("failed", "The hook answered 404.")
    assert send_heartbeat("ftp://monitor.example").outcome == "failed"
