"""Playbooks at work by the real turns: what starts, what is done when, and what ends it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.base.business_time import Calendar
from keepwell.base.settings import Settings
from keepwell.jobs.arbitration import SENDING_IS_OFF
from keepwell.jobs.cycle import Cycle
from keepwell.jobs.deliver_touch import Outbox
from keepwell.jobs.ingest import ImportPlan, do_import_events
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import CurrentScore, EnrolmentRecord, Notification, StepRecord, Task, Touch
from tests.flows.playbook_world import RESCUE, falls, member, playing, tasks, touches, write_playbooks
from tests.flows.signal_world import BY, DAY, HOUR, MINUTE, NOW, Gym, Told, arrivals, mood

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with playing(tmp_path) as found:
        yield found


def enrolment(account: str = "acme", playbook: str = "rescue") -> EnrolmentRecord:
    return EnrolmentRecord.objects.get(account__key=account, playbook=playbook)


def test_a_fall_starts_its_playbook_in_the_same_look(world: Gym) -> None:
    robin = member("robin", "csm", "coach")
    falls(world, "acme", NOW)
    found = enrolment()
    assert (found.signal, found.signal_noun, found.band_at_start) == ("critical", "alert", "critical")
    assert found.contact is not None
    assert found.contact.name == "Ada Acme"
    assert found.contact_calendar["zone"] == "Europe/Berlin"
    assert found.due_at == found.started_at + 48 * HOUR
    touch = Touch.objects.get()
    assert touch.subject == "Shall we talk, Ada?"
    assert "your mood at acme is 10." in touch.text
    assert "https://gym.example/plan" in touch.html
    task = Task.objects.get()
    assert (task.title, task.assignee) == ("Call them", robin)
    assert Notification.objects.filter(subject="task", member=robin).exists()
    assert not EnrolmentRecord.objects.filter(account__key="beta").exists()


def test_silence_is_followed_up_and_an_answer_is_not(world: Gym) -> None:
    begun = falls(world, "acme", NOW)
    falls(world, "beta", NOW + MINUTE)
    world.live(NOW + 20 * HOUR, Told("beta", "message_replied", NOW + 20 * HOUR - MINUTE))
    world.turn(begun + 48 * HOUR - timedelta(seconds=1))
    assert [step for step, _ in touches()] == ["hello"]
    world.turn(begun + 48 * HOUR + 2 * MINUTE)
    assert [step for step, _ in touches()] == ["hello", "again"]
    assert [step for step, _ in touches("beta")] == ["hello"]
    assert enrolment("beta").replied_at == NOW + 20 * HOUR - MINUTE
    told = StepRecord.objects.get(enrolment=enrolment("beta"), step="again")
    assert (told.state, told.because) == ("skipped", "no_response")
    assert (enrolment().finished_because, enrolment().due_at) == ("completed", None)


def test_what_is_due_is_done_once_however_often_anybody_looks(world: Gym) -> None:
    begun = falls(world, "acme", NOW)
    for minutes in range(1, 30, 5):
        world.live(begun + minutes * MINUTE, mood("acme", begun + (minutes - 1) * MINUTE, 9))
    assert [step for step, _ in touches()] == ["hello"]
    assert tasks() == ["call"]
    assert EnrolmentRecord.objects.count() == 1


@pytest.mark.requirement("X12")
def test_recovery_ends_it_and_what_was_to_come_is_skipped(world: Gym) -> None:
    begun = falls(world, "acme", NOW)
    world.live(NOW + DAY, mood("acme", NOW + DAY - MINUTE, 90))
    assert enrolment().finished_because in ("goal_reached", "condition_gone")
    world.turn(begun + 50 * HOUR)
    assert [step for step, _ in touches()] == ["hello"]
    assert StepRecord.objects.get(step="again").state == "skipped"
    task = Task.objects.get()
    assert (task.outcome, task.done_by, task.note) == ("not_needed", "worker", "The playbook had ended.")


def test_the_end_of_the_subscription_ends_it(world: Gym) -> None:
    falls(world, "acme", NOW)
    world.live(NOW + HOUR, Told("acme", "account_deleted", NOW + HOUR - MINUTE))
    assert enrolment().finished_because == "churned"


def test_a_fall_soon_after_does_not_start_it_again(world: Gym) -> None:
    falls(world, "acme", NOW)
    world.live(NOW + DAY, mood("acme", NOW + DAY - MINUTE, 90))
    falls(world, "acme", NOW + 5 * DAY)
    assert EnrolmentRecord.objects.count() == 1
    world.live(NOW + 6 * DAY, mood("acme", NOW + 6 * DAY - MINUTE, 90))
    falls(world, "acme", NOW + 40 * DAY)
    assert EnrolmentRecord.objects.count() == 2


def test_an_import_of_history_starts_nothing(world: Gym) -> None:
    """F26 and P15."""
    history = [mood(account, NOW - days * DAY, 5) for days in range(1, 400) for account in ("acme", "gone")]
    do_import_events(world.home, arrivals(history).to_batches(500), ImportPlan("old", "history"), by=BY, now=NOW)
    world.turn(*(NOW + hours * HOUR for hours in range(1, 30)))
    assert CurrentScore.objects.get(account__key="gone").band == "critical"
    assert EnrolmentRecord.objects.count() == 0
    assert Touch.objects.count() == 0


def test_a_published_package_starts_nothing_and_changes_nothing_that_runs(world: Gym) -> None:
    """F27 and P14."""
    begun = falls(world, "acme", NOW)
    world.live(NOW + MINUTE, mood("beta", NOW, 50))
    before = enrolment().version_id
    write_playbooks(world, {"rescue": RESCUE.replace("after: 48h", "after: 1h")}, {})
    world.publish(model=("lo: 30", "lo: 55"))
    world.turn(begun + 2 * MINUTE, begun + 2 * HOUR, begun + 3 * HOUR)
    assert CurrentScore.objects.get(account__key="beta").band == "critical"
    assert EnrolmentRecord.objects.count() == 1
    assert enrolment().version_id == before
    assert [step for step, _ in touches()] == ["hello"]


def test_a_held_out_account_is_left_alone_and_counted(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": RESCUE + "holdout: 0.9\n"}) as world:
        for account in ("acme", "beta"):
            falls(world, account, NOW)
        arms = set(EnrolmentRecord.objects.values_list("arm", "finished_because"))
        assert ("holdout", "holdout") in arms
        kept = EnrolmentRecord.objects.filter(arm="holdout")
        assert not Touch.objects.filter(enrolment__in=kept).exists()


def test_a_worse_signal_takes_the_place_of_a_milder_playbook(tmp_path: Path) -> None:
    mild = RESCUE.replace("starts_on: critical", "starts_on: weak").replace("priority: 90", "priority: 50")
    worse = RESCUE.replace("priority: 90", "priority: 90\nsupersedes: [mild]")
    with playing(tmp_path, {"mild": mild, "rescue": worse}) as world:
        world.live(NOW, mood("acme", NOW - MINUTE, 45))
        assert enrolment(playbook="mild").finished_at is None
        falls(world, "acme", NOW + 3 * HOUR)
        assert enrolment(playbook="mild").finished_because == "superseded"
        assert enrolment().finished_at is None


def test_a_message_that_lacks_a_field_is_not_sent_and_says_which(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": RESCUE.replace("template: hello", "template: wish")}) as world:
        falls(world, "acme", NOW)
        touch = Touch.objects.get()
        assert (touch.state, touch.reason) == ("suppressed", "there is no value for usage.wish.")
        assert StepRecord.objects.get(step="hello").state == "suppressed"
        assert enrolment().finished_at is None
        assert tasks() == ["call"]


def test_on_a_new_home_messages_go_to_the_outbox_and_nowhere_else(world: Gym) -> None:
    world.cycle = Cycle(world.home, embedded_engine(), Calendar(), outbox=Outbox(Settings(home=world.home.path)))
    falls(world, "acme", NOW)
    touch = Touch.objects.get()
    assert (touch.state, touch.reason, touch.message_id) == ("suppressed", SENDING_IS_OFF, "")
    assert StepRecord.objects.get(step="hello").because == SENDING_IS_OFF
    world.turn(NOW + 50 * HOUR)
    assert touches() == [("hello", "suppressed"), ("again", "suppressed")]
