"""What operations see before a playbook runs, and playbooks that start and end by hand."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from keepwell.base.business_time import Calendar
from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.settings import Settings
from keepwell.cli import playbook as command
from keepwell.jobs.cycle import Cycle
from keepwell.jobs.deliver_touch import Outbox
from keepwell.jobs.opt_out import MEMBER, do_opt_out
from keepwell.jobs.package import do_publish_package
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import (
    Alert,
    AuditEntry,
    Contact,
    EnrolmentRecord,
    ModelVersion,
    OfferRecord,
    ScoreRecord,
    StepRecord,
    Task,
    Touch,
)
from tests.flows.playbook_world import RESCUE, account, falls, member, playing, tasks, touches
from tests.flows.signal_world import BY, DAY, HOUR, MINUTE, NOW, Gym, Told, gym, mood

pytestmark = pytest.mark.django_db(transaction=True)

SEVERAL = (
    RESCUE.replace("approval: none", "approval: sender").replace(
        "steps:\n", "offers: {pause: {title: Pause of payment, valid_for: 3d}}\nsteps:\n"
    )
    + """\
  - {id: coach, kind: message, title: The coach writes, template: coach, from: coach, after: 49h}
  - {id: hole, kind: message, title: Hole, template: wish, after: 50h}
  - {id: tell, kind: notify, title: Tell, notify: [coach, csm], sentence: Have a look., after: 50h}
  - {id: own, kind: assign, title: An owner, role: coach, reach_out: true, after: 51h}
  - {id: pause, kind: offer, title: A pause, offers: [pause], after: 51h}
  - {id: more, kind: message, title: More, template: more, after: 52h, late: send}
  - {id: well, kind: task, title: Well, role: coach, after: 53h, only_if: {score: {at_least: 60}}}
  - {id: late, kind: message, title: Once more, template: again, after: 54h, late: send}
"""
)
COACH = "---\ntitle: Coach\nsubject: It is me\npurpose: retention\nfrom_role: coach\n---\n[Your plan](links.plan).\n"
EXACT = """\
Sending is off: no mail of this would leave.

gym/rescue: Rescue (priority 90, starts on critical)
  Start: Mon 2 Mar 2026, 14:00; contact's clock Europe/Berlin, team's clock UTC
  To:    Ada Acme <ada@acme.example>
  Mon 2 Mar 2026, 14:00, contact's clock: hello (message), Hello
    Subject: Shall we talk, Ada?
    To Ada Acme <ada@acme.example>, in the name of Gym
    Mon 2 Mar 2026, 14:00: leaves
  Mon 2 Mar 2026, 13:00, team's clock: call (task), Call them
    A task for coach (Robin), by Tue 3 Mar 2026, 17:00
  Wed 4 Mar 2026, 14:00, contact's clock: again (message), Again
    Subject: Still there, Ada?
    To Ada Acme <ada@acme.example>, in the name of Gym
    Wed 4 Mar 2026, 14:00: leaves
  Wed 4 Mar 2026, 15:00, contact's clock: coach (message), The coach writes
    Subject: It is me
    To Ada Acme <ada@acme.example>, in the name of Robin
    Yes needed from coach (Robin); once it is there:
    Wed 4 Mar 2026, 15:00: leaves
  Wed 4 Mar 2026, 16:00, contact's clock: hole (message), Hole
    It is suppressed, since it cannot be written: there is no value for usage.wish.
  Wed 4 Mar 2026, 15:00, team's clock: tell (notify), Tell
    Tells coach (Robin) and csm (nobody holds it): Have a look.
  Wed 4 Mar 2026, 16:00, team's clock: own (assign), An owner
    Gives the account to Robin.
    A task for Robin: Write to or call acme, by Thu 5 Mar 2026, 17:00
  Wed 4 Mar 2026, 17:00, contact's clock: pause (offer), A pause
    Offers 'pause' (Pause of payment), until Sat 7 Mar 2026, 17:00
  Wed 4 Mar 2026, 18:00, contact's clock: more (message), More
    Subject: More seats
    To Ada Acme <ada@acme.example>, in the name of Gym
    Wed 4 Mar 2026, 18:00: is held until Mon 9 Mar 2026, 14:00 because: \
The contact had as many automatic messages as allowed.
    Mon 9 Mar 2026, 14:00: is held until Wed 11 Mar 2026, 14:00 because: \
The contact had as many automatic messages as allowed.
    Wed 11 Mar 2026, 14:00: leaves
  Wed 4 Mar 2026, 18:00, team's clock: well is skipped, the account is not as the step asks
  Wed 4 Mar 2026, 20:00, contact's clock: late (message), Once more
    Subject: Still there, Ada?
    To Ada Acme <ada@acme.example>, in the name of Gym
    Wed 4 Mar 2026, 20:00: is held until Mon 9 Mar 2026, 14:00 because: \
The contact had as many automatic messages as allowed.
    Mon 9 Mar 2026, 14:00: leaves
  End:   Wed 4 Mar 2026, 20:00: completed, every step has had its turn
"""
ROWS = (EnrolmentRecord, StepRecord, OfferRecord, Touch, Task, Alert, AuditEntry)


def counts() -> list[int]:
    return [table.objects.count() for table in ROWS]


class Shell:
    """The command in this process, at a moment of the test's own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.now = NOW + HOUR
        self.folder = folder
        patch.setattr(command, "start", lambda: Settings(home=self.folder))
        patch.setattr(SystemClock, "now", lambda _: self.now)

    def said(self, *words: str) -> str:
        done = CliRunner().invoke(command.app, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def told(self, *words: str) -> Any:
        return json.loads(self.said(*words, "--json"))

    def refused(self, *words: str) -> str:
        with pytest.raises(UserError) as found:
            CliRunner().invoke(command.app, list(words), catch_exceptions=False)
        return str(found.value)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with playing(tmp_path) as found:
        yield found


def weak(world: Gym, key: str = "acme", to: float = 50) -> None:
    world.live(NOW, mood(key, NOW - MINUTE, to))


def test_a_preview_says_every_step_with_time_text_and_what_the_one_voice_makes_of_it(
    tmp_path: Path, shell: Shell
) -> None:
    with playing(tmp_path, {"rescue": SEVERAL}, coach=COACH) as world:
        member("robin", "csm", "coach")
        weak(world)
        before = counts()
        assert shell.said("preview", "acme") == EXACT
        assert counts() == before
        full = shell.said("preview", "acme", "--playbook", "rescue", "--full")
        assert "      | Hello Ada,\n      |\n      | your mood at acme is 50. Your plan" in full
        assert account("acme").owner is None


def test_what_a_preview_says_comes_true(world: Gym, shell: Shell) -> None:
    weak(world)
    world.cycle = Cycle(world.home, embedded_engine(), Calendar(), outbox=Outbox(Settings(home=world.home.path)))
    (planned,) = shell.told("preview", "acme")["playbooks"]
    assert "goes through the playbook 'rescue'" in shell.said("start", "acme", "rescue")
    moment = shell.now
    while moment < shell.now + 50 * HOUR:
        world.turn(moment)
        moment += 30 * MINUTE
    record = EnrolmentRecord.objects.get()
    wanted = [(step["step"], step["deeds"][0]["message"]) for step in planned["steps"] if step["deeds"][0]["message"]]
    rows = Touch.objects.order_by("pk")
    assert [(row.step, row.subject, row.text) for row in rows] == [
        (step, message["subject"], message["text"]) for step, message in wanted
    ]
    left = [datetime.fromisoformat(message["voice"][-1]["at"]) for _, message in wanted]
    assert [row.settled_at for row in rows] == left
    assert record.finished_because == planned["because"] == "completed"
    assert record.finished_at == datetime.fromisoformat(planned["ends_at"])
    assert tasks() == ["call"]


def test_at_night_it_is_held_by_the_clock_of_the_contact(world: Gym, shell: Shell) -> None:
    weak(world)
    told = shell.said("preview", "acme", "--at", "2026-03-03T20:30")
    assert "Start: Tue 3 Mar 2026, 21:30; contact's clock Europe/Berlin, team's clock UTC" in told
    assert "21:30: is held until Wed 4 Mar 2026, 08:00 because: It was night at the contact's." in told
    assert "    Wed 4 Mar 2026, 08:00: leaves" in told
    assert "2026-03-03T20:30:00Z" in json.dumps(shell.told("preview", "acme", "--at", "2026-03-03T21:30+01:00"))


def test_what_was_said_before_counts_and_a_start_that_is_refused_says_why(world: Gym, shell: Shell) -> None:
    world.cycle = Cycle(world.home, embedded_engine(), Calendar(), outbox=Outbox(Settings(home=world.home.path)))
    falls(world, "acme", NOW)
    (planned,) = shell.told("preview", "acme")["playbooks"]
    assert planned["refused"] == "The account is going through it already."
    (hello,) = [step for step in planned["steps"] if step["step"] == "hello"]
    (voice,) = [hello["deeds"][0]["message"]["voice"][0]]
    # Late is skip: until the cool-down after the first message is over, it is too late for it.
    assert (voice["act"], voice["because"]) == (
        "suppress", "Another playbook had written to the contact shortly before."
    )  # fmt: skip
    world.live(NOW + DAY, mood("acme", NOW + DAY - MINUTE, 90))
    shell.now = NOW + 5 * DAY
    told = shell.said("preview", "acme")
    assert "It last started on 2026-03-02, and may start again from 2026-04-01 12:00 UTC on." in told
    assert "hello is skipped, it has ended: its goal is reached already" in told
    assert "End:   Sat 7 Mar 2026, 13:00: goal_reached, its goal is reached already" in told


def test_what_waits_for_the_contact_is_said_on_top(world: Gym, shell: Shell) -> None:
    falls(world, "acme", NOW)
    assert "1 message of an open enrolment waits for the same contact and may leave first" in shell.said(
        "preview", "acme"
    )


def test_without_a_contact_and_after_an_opt_out_the_preview_says_so(world: Gym, shell: Shell) -> None:
    weak(world)
    do_opt_out(Contact.objects.get(account__key="acme"), way=MEMBER, by=BY, now=NOW)
    assert "End:   Mon 2 Mar 2026, 14:00: opted_out, the contact wants no more messages" in shell.said(
        "preview", "acme"
    )
    Contact.objects.filter(account__key="beta").delete()
    weak(world, "beta")
    Contact.objects.filter(account__key="beta").delete()
    told = shell.said("preview", "beta")
    assert "To:    nobody, the account has no contact" in told
    assert "It is suppressed, since it cannot be written: there is no value for contact.first_name." in told
    assert "call (task), Call them" in told


def test_what_is_not_there_is_said_with_the_nearest_that_is(world: Gym, shell: Shell) -> None:
    assert "There is no account 'acmee'. Did you mean 'acme'?" in shell.refused("preview", "acmee")
    wrong = "There is no playbook 'rescu'. Did you mean 'rescue'?"
    assert wrong in shell.refused("preview", "acme", "--playbook", "rescu")
    assert wrong in shell.refused("start", "acme", "rescu")
    assert "'noon' is no moment" in shell.refused("preview", "acme", "--at", "noon")
    assert "--at lies in the past" in shell.refused("preview", "acme", "--at", "2026-03-01T10:00")
    assert "There is no enrolment 7." in shell.refused("end", "7")
    world.live(NOW, Told("acme", "account_deleted", NOW - MINUTE))
    assert "No playbook of gym starts at acme: nothing came in, or it has left." in shell.refused("preview", "acme")
    ScoreRecord.objects.all().delete()
    ModelVersion.objects.all().delete()
    assert "No package with playbooks is published yet." in shell.refused("preview", "acme")
    assert "No package with playbooks is published yet." in shell.said("list")


def test_the_list_has_every_playbook_and_its_open_enrolments(tmp_path: Path, shell: Shell) -> None:
    other = RESCUE.replace("title: Rescue", "title: Weak").replace("starts_on: critical", "starts_on: [weak, away]")
    with playing(tmp_path, {"rescue": RESCUE, "weak": other.replace("priority: 90", "priority: 20")}) as world:
        falls(world, "acme", NOW)
        assert shell.said("list").splitlines() == [
            "package  playbook  title   starts on   priority  open enrolments",
            "gym      rescue    Rescue  critical    90        1",
            "gym      weak      Weak    weak, away  20        0",
        ]
        assert [one["open_enrolments"] for one in shell.told("list")] == [1, 0]


def test_a_start_by_hand_is_followed_by_the_worker_and_an_end_by_hand_stops_it(world: Gym, shell: Shell) -> None:
    weak(world)
    shell.said("start", "acme", "rescue")
    record = EnrolmentRecord.objects.get()
    assert (record.signal, record.due_at, record.band_at_start) == ("", shell.now, "at_risk")
    assert record.started_by.startswith("cli:")
    assert "The account is going through it already." in shell.refused("start", "acme", "rescue")
    world.turn(shell.now + MINUTE)
    assert touches() == [("hello", "todo")]
    assert shell.said("end", str(record.pk)) == f"The enrolment {record.pk} is over: 'rescue' at acme.\n"
    record.refresh_from_db()
    assert (record.finished_because, record.due_at) == ("ended_by_member", None)
    assert StepRecord.objects.get(step="again").because == "ended_by_member"
    assert Task.objects.get().outcome == "not_needed"
    assert f"The enrolment {record.pk} ended on 2026-03-02 13:00 UTC already." in shell.refused("end", str(record.pk))
    world.turn(shell.now + 60 * HOUR)
    assert [step for step, _ in touches()] == ["hello"]
    assert "may start again from 2026-04-01 13:00 UTC on." in shell.refused("start", "acme", "rescue")
    acts = AuditEntry.objects.filter(act__in=("playbook_started", "playbook_ended")).order_by("pk")
    assert list(acts.values_list("act", flat=True)) == ["playbook_started", "playbook_ended"]


def test_a_start_by_hand_ends_what_it_supersedes(tmp_path: Path, shell: Shell) -> None:
    low = RESCUE.replace("priority: 90", "priority: 10").replace("starts_on: critical", "starts_on: weak")
    high = RESCUE.replace("late: skip", "late: skip\nsupersedes: [low]")
    with playing(tmp_path, {"high": high, "low": low}) as world:
        weak(world)
        planned = {one["playbook"]: one for one in shell.told("preview", "acme")["playbooks"]}
        assert (planned["high"]["supersedes"], planned["high"]["refused"]) == (["low"], "")
        shell.said("start", "acme", "high")
        ends = dict(EnrolmentRecord.objects.values_list("playbook", "finished_because"))
        assert ends == {"low": "superseded", "high": ""}
        assert "The playbook 'high' is open there and goes before it." in json.dumps(shell.told("preview", "acme"))


def test_a_message_held_until_its_offer_has_expired_never_leaves(tmp_path: Path, shell: Shell) -> None:
    text = SEVERAL.replace("valid_for: 3d", "valid_for: 2d").replace(
        "template: more, after: 52h", "template: more, mentions: [pause], after: 52h"
    )
    with playing(tmp_path, {"rescue": text}, coach=COACH) as world:
        weak(world)
        steps = {step["step"]: step for step in shell.told("preview", "acme")["playbooks"][0]["steps"]}
        voice = [(one["act"], one["because"]) for one in steps["more"]["deeds"][0]["message"]["voice"]]
        assert voice == [
            ("hold", "The contact had as many automatic messages as allowed."),
            ("suppress", "The offer that it speaks of had expired."),
        ]


def test_a_step_that_starts_another_playbook_says_which_and_may_end_its_own(tmp_path: Path, shell: Shell) -> None:
    first = RESCUE.replace(
        "again, kind: message, title: Again, template: again", "on, kind: enrol, title: On, playbook: next"
    )
    first += "  - {id: last, kind: message, title: Last, template: again, after: 72h}\n"
    other = RESCUE.replace("starts_on: critical", "starts_on: away")
    ends = other.replace("late: skip", "late: skip\nsupersedes: [first]")
    for text, told, end in (
        (other, "Starts the playbook 'next'.", "End:   Thu 5 Mar 2026, 14:00: completed, every step has had its turn"),
        (
            ends,
            "Starts the playbook 'next', which ends first.",
            "End:   Wed 4 Mar 2026, 14:00: superseded, another playbook goes before it",
        ),
    ):
        with playing(tmp_path / str(len(text)), {"first": first, "next": text}) as world:
            shell.folder = tmp_path / str(len(text))
            weak(world)
            lines = [line.strip() for line in shell.said("preview", "acme", "--playbook", "first").splitlines()]
            assert told in lines
            assert lines[-1] == end


def test_the_shipped_playbooks_are_previewed_with_who_must_say_yes(tmp_path: Path, shell: Shell) -> None:
    with gym(tmp_path) as world:
        ModelVersion.objects.all().delete()
        do_publish_package(world.home, "saas", note="", by=BY, now=NOW)
        props: dict[str, object] = {"name": "Ada Acme", "email": "ada@acme.example", "time_zone": "America/New_York"}
        told = Told("acme", "contact_updated", NOW - HOUR, props)
        pays = Told("acme", "subscription_changed", NOW - 60 * DAY, {"mrr": 100, "currency": "EUR", "status": "active"})
        world.live(NOW, told, pays, *(Told("acme", "signed_in", NOW - days * DAY) for days in range(1, 90)))
        member("robin", "csm", "csm")
        found = shell.told("preview", "acme")
        assert any("made up" in note for note in found["notes"])
        priorities = [one["priority"] for one in found["playbooks"]]
        assert len(priorities) > 10
        assert priorities == sorted(priorities, reverse=True)
        assert all(one["because"] == "goal_reached" or one["steps"] for one in found["playbooks"])
        lines = shell.said("preview", "acme", "--playbook", "critical").splitlines()
        mail = lines.index("  Mon 2 Mar 2026, 08:00, contact's clock: ceo_mail (message), Personal mail from the CEO")
        assert lines[mail + 1 : mail + 5] == [
            "    Subject: [Urgent] Let's get you back on track",
            "    To Ada Acme <ada@acme.example>, in the name of Robin Sample",
            "    Yes needed from ceo (owners and admins); once it is there:",
            "    Mon 2 Mar 2026, 08:00: leaves",
        ]
        # Clocks change in New York on 8 March: nine o'clock there is as long after as eight o'clock would be.
        assert "    Offers 'dedicated_support' (Dedicated support), until Thu 19 Mar 2026, 09:00" in lines
        assert "    Gives the account to Robin." in lines
        last = next(place for place, line in enumerate(lines) if "final_offer_mail (message)" in line)
        assert "in the name of Robin" in lines[last + 2]
        assert lines[last + 3] == "    Yes needed from csm (Robin); once it is there:"
