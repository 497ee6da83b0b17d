"""Steps that wait, consult, celebrate and invite, by the real turns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import keepwell.jobs.diagnosis
from keepwell.base.settings import Settings
from keepwell.cli.playbook_lines import preview_lines
from keepwell.jobs.playbook_preview import preview_playbooks
from keepwell.jobs.read_timeline import StepLine, read_timeline
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.playbooks.expert import Expert, Grounds
from keepwell.store.models import EnrolmentRecord, Notification, StepRecord, Task, Touch
from tests.flows.playbook_world import account, falls, member, playing, tasks, touches
from tests.flows.signal_world import DAY, HOUR, MINUTE, NOW, Gym, Told, mood

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = (
    "title: Rescue\nstarts_on: critical\npriority: 90\napproval: none\nlate: skip\ngrace: 6h\nroles: [coach]\nsteps:\n"
)
WAITING = f"""\
{HEAD}
  - {{id: hello, kind: message, title: Hello, template: hello, after: 0m}}
  - id: answer
    kind: wait
    title: Wait for an answer
    after: 0m
    within: 48h
    until: {{responded: true}}
    then: answered
    otherwise: silent
  - {{id: thanks, kind: task, title: Thank them, role: coach, after: 0m, path: answered}}
  - {{id: again, kind: message, title: Again, template: again, after: 48h, path: silent}}
"""
CONSULTING = f"""\
{HEAD}
  - {{id: look, kind: consult, title: Look into it, role: coach, after: 1h, metrics: [mood]}}
  - {{id: late, kind: task, title: Look back, role: coach, after: 9d}}
"""
CHEER = """\
title: Cheer
starts_on: report
priority: 10
approval: none
late: skip
grace: 6h
roles: [coach]
steps:
  - id: cheer
    kind: celebrate
    title: Well done
    template: hello
    notify: [coach]
    sentence: They made their first report.
    after: AFTER
"""
INVITING = f"""\
{HEAD}
  - id: invite
    kind: calendar
    title: Invitation to a talk
    template: hello
    starts: 2 business days at 14:00
    lasts: 30m
    place: plan
    after: 1h
"""


def enrolment(key: str = "acme") -> EnrolmentRecord:
    return EnrolmentRecord.objects.select_related("version", "account").get(account__key=key)


def line(step: str, now: datetime, key: str = "acme") -> StepLine:
    return next(one for one in read_timeline(enrolment(key), now=now).steps if one.step == step)


def test_an_answer_is_waited_for_and_opens_its_path_in_the_look_that_it_calls_for(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": WAITING}) as world:
        begun = falls(world, "acme", NOW)
        falls(world, "beta", NOW)
        assert enrolment().due_at == enrolment().started_at + 48 * HOUR
        waiting = line("answer", begun + HOUR)
        assert (waiting.state, waiting.at) == ("waiting", enrolment().started_at + 48 * HOUR)
        assert waiting.told.endswith("on Wed 4 Mar 2026, 13:00 Europe/Berlin at the latest.")
        assert line("thanks", begun + HOUR).told == "Only where the account takes the path “answered”."

        heard = world.live(NOW + 20 * HOUR, Told("beta", "message_replied", NOW + 20 * HOUR - MINUTE))
        assert tasks("beta") == ["thanks"]
        assert line("answer", heard, "beta").told == "The account took the path “answered”."
        assert StepRecord.objects.get(enrolment=enrolment("beta"), step="answer").at == heard
        world.turn(begun + 48 * HOUR - timedelta(seconds=1))
        assert touches() == touches("beta")
        world.turn(begun + 48 * HOUR + 2 * MINUTE)
        assert [step for step, _ in touches()] == ["hello", "again"]
        assert [step for step, _ in touches("beta")] == ["hello"]
        assert tasks() == []
        assert enrolment().finished_because == enrolment("beta").finished_because == "completed"


@pytest.mark.requirement("B114", "B119")
def test_an_expert_is_consulted_and_its_diagnosis_stands_with_the_task(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": CONSULTING}) as world:
        robin = member("robin", "csm", "coach")
        begun = falls(world, "acme", NOW)
        assert tasks() == []
        world.turn(begun + HOUR + MINUTE)
        task = Task.objects.get()
        assert (task.step, task.assignee, task.expert) == ("look", robin, "explained")
        assert task.written_at == begun + HOUR + MINUTE
        told = task.document.replace("\u202f", " ")
        assert told.startswith("acme, as of 2 Mar 2026, 13:01 UTC.")
        assert "The score is 10.0 of 100, in the band Critical since 2 Mar 2026, 12:00 UTC." in told
        assert "1. Mood: costs 90.0 of its 100.0 points." in told
        assert "Its value is 10; on 2 Mar 2026 it was 80. It moved the score by −70.0 points" in told
        assert "it reads 2 events, the newest mood_told on 2 Mar 2026, 11:59 UTC." in told
        assert "Alert of severity critical since 2 Mar 2026, 12:00 UTC: Health is critical." in told
        world.turn(begun + 5 * HOUR)
        assert Task.objects.get().document == task.document


def test_another_expert_takes_the_place_of_the_one_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terse(Expert):
        kind = "terse"

        def diagnosis(self, grounds: Grounds) -> str:
            return f"{grounds.account}: {len(grounds.alerts)} alert"

    with playing(tmp_path, {"rescue": CONSULTING}) as world:
        begun = falls(world, "acme", NOW)
        monkeypatch.setattr(keepwell.jobs.diagnosis, "experts", lambda: {"explained": Terse})
        world.turn(begun + HOUR + MINUTE)
        assert Task.objects.get().document == "acme: 1 alert"


def test_an_expert_that_fails_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Expert):
        kind = "broken"

    with playing(tmp_path, {"rescue": CONSULTING}) as world:
        begun = falls(world, "acme", NOW)
        monkeypatch.setattr(keepwell.jobs.diagnosis, "experts", lambda: {"explained": Broken})
        world.turn(begun + HOUR + MINUTE)
        assert Task.objects.get().document == (
            "The expert 'explained' failed (NotImplementedError), so nothing was written."
        )


def test_a_success_is_celebrated_in_the_product_and_told_to_the_team(tmp_path: Path) -> None:
    with playing(tmp_path, {"cheer": CHEER.replace("AFTER", "0m")}) as world:
        robin = member("robin", "csm", "coach")
        world.live(NOW, Told("acme", "first_report", NOW - MINUTE))
        touch = Touch.objects.get()
        assert (touch.step, touch.channel, touch.subject) == ("cheer", "in_app", "Shall we talk, Ada?")
        notice = Notification.objects.get(subject="step", member=robin)
        assert notice.sentence == "They made their first report."
        assert enrolment().finished_because == "completed"


@pytest.mark.parametrize("event", ["payment_failed", "complained"])
def test_nothing_is_celebrated_where_that_is_unwise(tmp_path: Path, event: str) -> None:
    """A failed payment opens an alert of severity high; a complaint is what the package calls unwise."""
    with playing(tmp_path, {"cheer": CHEER.replace("AFTER", "24h")}) as world:
        member("robin", "csm", "coach")
        begun = world.live(NOW, Told("acme", "first_report", NOW - MINUTE))
        world.live(NOW + 20 * HOUR, Told("acme", event, NOW + 20 * HOUR - MINUTE))
        world.turn(begun + DAY + MINUTE)
        found = StepRecord.objects.get(step="cheer")
        assert (found.state, found.because) == ("skipped", "unwise")
        assert not Touch.objects.exists()
        assert not Notification.objects.filter(subject="step").exists()
        assert "no time to celebrate" in line("cheer", begun + DAY + HOUR).told


def test_an_invitation_says_when_and_where_by_the_clock_of_the_contact(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": INVITING}) as world:
        begun = falls(world, "acme", NOW)
        world.turn(begun + HOUR + MINUTE)
        touch = Touch.objects.get()
        assert touch.starts_at == datetime(2026, 3, 4, 13, tzinfo=UTC)
        assert touch.ends_at == datetime(2026, 3, 4, 13, 30, tzinfo=UTC)
        assert (touch.channel, touch.place) == ("mail", "https://gym.example/plan")
        assert touch.subject == "Shall we talk, Ada?"


def test_who_looks_after_the_meeting_has_begun_sends_no_invitation(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": INVITING.replace("late: skip", "late: send")}) as world:
        begun = falls(world, "acme", NOW)
        world.turn(begun + 3 * DAY)
        assert not Touch.objects.exists()
        found = StepRecord.objects.get(step="invite")
        assert (found.state, found.because) == ("skipped", "meeting_begun")


def test_a_condition_about_the_account_is_waited_for_too(tmp_path: Path) -> None:
    waiting = WAITING.replace("{responded: true}", "{score: {at_least: 20}}")
    with playing(tmp_path, {"rescue": waiting}) as world:
        falls(world, "acme", NOW)
        world.live(NOW + 5 * HOUR, mood("acme", NOW + 5 * HOUR - MINUTE, 25))
        assert tasks() == ["thanks"]


ALL = f"""\
{HEAD}
  - {{id: look, kind: consult, title: Look into it, role: coach, after: 0m}}
  - id: answer
    kind: wait
    title: Wait for an answer
    after: 0m
    within: 4h
    until: {{responded: true}}
    otherwise: silent
  - id: invite
    kind: calendar
    title: Invitation to a talk
    template: hello
    starts: 2 business days at 14:00
    lasts: 30m
    place: plan
    path: silent
    after: 4h
  - {{id: cheer, kind: celebrate, title: Well done, template: again, notify: [coach], sentence: Good., after: 5h}}
"""
PREVIEWED = """\
  Mon 2 Mar 2026, 12:00, team's clock: look (consult), Look into it
    A task for coach (nobody holds it), by Tue 3 Mar 2026, 17:00
  Mon 2 Mar 2026, 17:00, contact's clock: answer (wait), Wait for an answer
    Takes the path 'silent'.
  Mon 2 Mar 2026, 17:00, contact's clock: invite (calendar), Invitation to a talk
    Subject: Shall we talk, Ada?
    To Ada Acme <ada@acme.example>, in the name of Gym
    Invites to a meeting: Wednesday 4 March 2026, 14:00 to 14:30 (Europe/Berlin), at https://gym.example/plan
    Mon 2 Mar 2026, 17:00: leaves
"""


def previewed(world: Gym, *, is_full: bool = False) -> str:
    settings = Settings(home=world.home.path)
    found = preview_playbooks(settings, embedded_engine(), account("acme"), "rescue", NOW, now=NOW + MINUTE)
    return "\n".join(preview_lines(found, is_full=is_full))


def test_a_preview_says_what_each_of_them_would_do(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": ALL}) as world:
        told = previewed(world)
        assert PREVIEWED in told
        assert "cheer (celebrate), Well done\n    Subject: Still there, Ada?" in told
        assert "    Tells coach (nobody holds it): Good." in told
        assert "      | The score is 80.0 of 100, in the band Healthy" in previewed(world, is_full=True)


def test_a_preview_says_that_celebrating_is_unwise(tmp_path: Path) -> None:
    with playing(tmp_path, {"rescue": ALL}) as world:
        world.live(NOW, Told("acme", "payment_failed", NOW - MINUTE))
        assert "cheer is skipped, it is no time to celebrate: a critical or high alert is open" in previewed(world)
