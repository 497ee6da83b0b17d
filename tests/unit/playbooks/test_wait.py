"""Waiting for something: how long, which path it takes, and when the steps on that path come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.playbooks.advance import advance, end_of_wait, timetable
from keepwell.playbooks.decision import CreateTask, Decision, Finish, Offer
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.playbook import Playbook
from tests.unit.playbooks.world import START, enrolled, facts, hours, playbook

WAIT = (
    "{id: answer, kind: wait, title: T, after: 4h, within: 48h, until: {responded: true}, "
    "then: answered, otherwise: silent}"
)
THANKS = "{id: thanks, kind: task, title: T, after: 4h, path: answered}"
CALL = "{id: call, kind: task, title: T, after: 48h, path: silent}"
REPLY = f"{WAIT}\n{THANKS}\n{CALL}"


@dataclass
class Story:
    """What was decided when, in hours after the start, and what is left."""

    done: list[tuple[float, str]]
    enrolment: Enrolment
    due_at: datetime | None

    def because(self, step: str) -> str:
        return self.enrolment.settled[step].because


def followed(
    plan: Playbook,
    looks: Sequence[float] = (),
    *,
    replied: float | None = None,
    scores: Mapping[float, str] | None = None,
    until: float = 400,
    at: datetime = START,
    zone: str = "UTC",
) -> Story:
    """Look whenever something is due, at every change of what is known, and at these hours."""
    told = dict(scores or {})
    news = [*looks, *([replied] if replied is not None else []), *told]
    waiting = sorted({at + hours(one) for one in news})
    enrolment, due_at = enrolled(zone, at=at), at
    found: list[tuple[float, str]] = []
    moment: datetime | None = at
    while moment is not None and not enrolment.is_finished and moment <= at + hours(until):
        passed = (moment - at) / timedelta(hours=1)
        score = next((told[one] for one in sorted(told, reverse=True) if one <= passed), "30")
        heard = at + hours(replied) if replied is not None and replied <= passed else None
        result = advance(plan, enrolment, facts(score, replied_at=heard), moment)
        enrolment, due_at = result.enrolment, result.due_at
        found += [(passed, name(one)) for one in result.decisions if not isinstance(one, Finish)]
        waiting = [one for one in waiting if one > moment]
        moment = min([*waiting[:1], *([due_at] if due_at is not None else [])], default=None)
    return Story(found, enrolment, due_at)


def name(decision: Decision) -> str:
    assert not isinstance(decision, Finish)
    return decision.origin.step


def test_an_answer_opens_its_path_at_once() -> None:
    story = followed(playbook(REPLY), replied=20)
    assert story.done == [(20, "thanks")]
    assert (story.because("call"), story.enrolment.finished_because) == ("another_path", "completed")


def test_without_an_answer_the_other_path_is_taken_when_the_time_is_up() -> None:
    story = followed(playbook(REPLY), looks=(5, 30))
    assert story.done == [(48, "call")]
    assert story.because("thanks") == "another_path"


def test_an_answer_before_the_wait_begins_counts() -> None:
    assert followed(playbook(REPLY), replied=1).done == [(4, "thanks")]


def test_an_answer_at_the_last_moment_counts_and_a_later_one_does_not() -> None:
    assert followed(playbook(REPLY), replied=48).done == [(48, "thanks")]
    assert followed(playbook(REPLY), replied=48.01).done == [(48, "call")]


def test_the_account_is_looked_at_again_at_the_end_or_at_the_next_step_whatever_comes_first() -> None:
    again = "{id: again, kind: task, title: T, after: 24h, only_if: {no_response: true}}"
    plan = playbook(f"{WAIT}\n{THANKS}\n{again}\n{CALL}")
    first = advance(plan, enrolled(), facts(), START)
    assert first.due_at == START + hours(4)
    begun = advance(plan, first.enrolment, facts(), START + hours(4))
    assert (begun.due_at, begun.decisions) == (START + hours(24), ())
    later = advance(plan, begun.enrolment, facts(), START + hours(24))
    assert later.due_at == START + hours(48)
    assert [name(one) for one in later.decisions] == ["again"]


def test_other_steps_go_on_while_it_waits() -> None:
    again = "{id: again, kind: task, title: T, after: 24h, only_if: {no_response: true}}"
    plan = playbook(f"{WAIT}\n{THANKS}\n{again}\n{CALL}")
    assert followed(plan).done == [(24, "again"), (48, "call")]
    assert followed(plan, replied=10).done == [(10, "thanks")]
    assert followed(plan, replied=30).done == [(24, "again"), (30, "thanks")]


def test_a_condition_about_the_account_ends_it_too() -> None:
    plan = playbook(
        "{id: better, kind: wait, title: T, after: 0m, within: 7d, until: {score: {at_least: 40}}, then: well}\n"
        "{id: cheer, kind: task, title: T, after: 0m, path: well}"
    )
    assert followed(plan, scores={50: "45", 60: "20"}).done == [(50, "cheer")]
    vain = followed(plan, scores={50: "35"})
    assert (vain.done, vain.because("better"), vain.because("cheer")) == ([], "time_up", "another_path")


def test_what_cannot_be_said_does_not_hold() -> None:
    plan = playbook(REPLY.replace("{responded: true}", "{no_improvement: true}"))
    found = enrolled(score=None)
    for at in (4, 47):
        result = advance(plan, found, facts(None), START + hours(at))
        assert not result.enrolment.paths
    assert advance(plan, found, facts(None), START + hours(48)).enrolment.paths == {"silent"}


def test_a_wait_with_one_path_for_both_ends_is_a_pause_that_may_end_early() -> None:
    plan = playbook(
        "{id: pause, kind: wait, title: T, after: 0m, within: 3d, until: {responded: true}, then: on, otherwise: on}\n"
        "{id: next, kind: task, title: T, after: 0m, path: on}"
    )
    assert followed(plan, replied=9).done == [(9, "next")]
    assert followed(plan).done == [(72, "next")]


def test_a_step_that_had_to_wait_for_its_path_is_not_late_and_keeps_its_length() -> None:
    plan = playbook(f"{WAIT}\n{THANKS.replace('after: 4h', 'after: 4h, within: 6h')}", "late: skip\n")
    story = followed(plan, replied=20)
    assert story.done == [(20, "thanks")]
    begun = advance(plan, enrolled(), facts(), START + hours(4)).enrolment
    (decision, _) = advance(plan, begun, facts(replied_at=START + hours(20)), START + hours(20)).decisions
    assert isinstance(decision, CreateTask)
    assert (decision.origin.due_at, decision.origin.done_by) == (START + hours(20), START + hours(22))
    assert not decision.origin.is_late


def test_who_looks_long_after_the_end_finds_its_steps_late() -> None:
    plan = playbook(f"{WAIT}\n{CALL.replace('kind: task', 'kind: message, template: hello')}", "late: skip\n")
    result = advance(plan, enrolled(), facts(), START + hours(60))
    assert result.enrolment.settled["call"].because == "too_late"
    # One that came meanwhile counts all the same: who has answered is not told that they did not.
    heard = advance(plan, enrolled(), facts(replied_at=START + hours(50)), START + hours(60))
    assert heard.enrolment.paths == {"answered"}


def test_a_wait_and_a_branch_on_the_path_of_a_wait_begin_when_it_is_over() -> None:
    plan = playbook(
        f"{WAIT}\n"
        "{id: fork, kind: branch, title: T, after: 4h, path: answered, "
        "ways: [{path: low, only_if: {band: low}}], otherwise: high}\n"
        "{id: better, kind: wait, title: T, after: 4h, within: 10h, path: answered, "
        "until: {score: {at_least: 40}}, otherwise: flat}\n"
        "{id: plan, kind: task, title: T, after: 4h, path: low}\n"
        "{id: look, kind: task, title: T, after: 10h, path: flat}"
    )
    assert followed(plan, replied=20).done == [(20, "plan"), (26, "look")]


def test_a_wait_of_another_arm_holds_up_nothing() -> None:
    plan = playbook(
        "{id: fork, kind: branch, title: T, after: 0m, arm: short, ways: [{path: on, only_if: {band: low}}]}\n"
        f"{WAIT.replace('then: answered, otherwise: silent', 'then: on').replace('after', 'arm: long, after')}\n"
        "{id: plan, kind: task, title: T, after: 4h, path: on}",
        "arms: {short: 1, long: 1}\n",
    )
    short = advance(plan, enrolled(arm="short"), facts(), START + hours(4))
    assert [name(one) for one in short.decisions if not isinstance(one, Finish)] == ["plan"]
    long = advance(plan, enrolled(arm="long"), facts(), START + hours(4))
    assert (long.decisions, long.due_at) == ((), START + hours(48))


def test_an_offer_and_the_message_of_it_wait_together() -> None:
    plan = playbook(
        f"{WAIT}\n"
        "{id: offer, kind: offer, title: T, offers: [gift], after: 4h, path: answered}\n"
        "{id: mail, kind: message, title: T, template: gift, mentions: [gift], after: 4h, path: answered}",
        "offers: {gift: {title: Gift, valid_for: 3h}}\n",
    )
    story = followed(plan, replied=30)
    assert story.done == [(30, "offer"), (30, "mail")]
    assert story.enrolment.offers["gift"].expires_at == START + hours(33)
    assert all(not isinstance(one, Offer) for one in advance(plan, enrolled(), facts(), START + hours(5)).decisions)


def test_the_timetable_knows_when_a_wait_ends_and_that_its_path_came_later() -> None:
    plan = playbook(f"{WAIT}\n{THANKS.replace('after: 4h', 'after: 30h')}\n{CALL}")
    begun = advance(plan, enrolled(), facts(), START + hours(5)).enrolment
    assert [(at, step.id) for at, step in timetable(plan, begun)] == [
        (START + hours(4), "answer"),
        (START + hours(30), "thanks"),
        (START + hours(48), "call"),
    ]
    assert end_of_wait(plan, plan.steps[0], begun) == START + hours(48)


@pytest.mark.parametrize(
    ("start", "ends"),
    [
        # Clocks go forward on 29 March 2026 and back on 25 October in Berlin.
        (datetime(2026, 3, 27, 15, tzinfo=UTC), datetime(2026, 3, 30, 7, tzinfo=UTC)),
        (datetime(2026, 10, 23, 14, tzinfo=UTC), datetime(2026, 10, 26, 8, tzinfo=UTC)),
    ],
)
def test_a_wait_until_a_time_of_day_ends_by_the_clock_on_the_wall(start: datetime, ends: datetime) -> None:
    plan = playbook(
        REPLY.replace("within: 48h", "within: day 3 at 09:00").replace(
            "after: 48h", "clock: contact, after: day 3 at 09:00"
        )
    )
    story = followed(plan, at=start, zone="Europe/Berlin")
    assert story.done == [((ends - start) / timedelta(hours=1), "call")]


HOURS = st.integers(0, 90)


@settings(max_examples=200, deadline=None)
@given(replied=st.none() | HOURS, looks=st.lists(HOURS, max_size=8), after=st.integers(4, 60))
def test_whenever_the_answer_comes_exactly_one_path_is_taken_and_its_step_comes_once(
    replied: int | None, looks: list[int], after: int
) -> None:
    plan = playbook(REPLY.replace("after: 4h, path", f"after: {after}h, path"))
    story = followed(plan, looks, replied=replied)
    if replied is not None and replied <= 48:
        assert story.done == [(max(4, replied, after), "thanks")]
    else:
        assert story.done == [(48, "call")]
    assert story.enrolment.is_finished
    assert set(story.enrolment.settled) == {"answer", "thanks", "call"}
