"""What an enrolment comes to, look by look."""

from datetime import datetime

import pytest

from keepwell.playbooks.advance import Advance, advance, end_enrolment
from keepwell.playbooks.decision import CreateTask, Finish, Offer, Send
from keepwell.playbooks.enrolment import HOLDOUT, Enrolment, with_suppressed
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.playbook import SUPERSEDED, Playbook
from tests.unit.playbooks.world import START, enrolled, facts, hours, playbook

ESCALATION = playbook(
    """
    {id: mail, kind: message, title: Mail, template: hello, from: csm, after: 1h}
    {id: call, kind: task, title: Call, after: 24h, only_if: {no_response: true}}
    {id: visit, kind: task, title: Visit, after: 48h, only_if: {no_response: true}}
    """,
    "goal: {score: {at_least: 50}}\nwhile_open: true\nexits:\n  shrunk: {metric: {seats: {below: 2}}}\n",
)


def steps(found: Advance) -> list[str]:
    return [one.step if isinstance(one, Finish) else one.origin.step for one in found.decisions]


def looks(plan: Playbook, enrolment: Enrolment, *told: tuple[float, Facts]) -> list[list[str]]:
    """The steps that decide at each look, so many hours after the enrolment; the last entry is the end."""
    found = []
    for after, known in told:
        result = advance(plan, enrolment, known, START + hours(after))
        enrolment = result.enrolment
        found.append(steps(result))
    return [*found, [enrolment.finished_because]]


def test_nothing_is_done_before_it_is_due_and_the_next_time_is_told() -> None:
    found = advance(ESCALATION, enrolled(), facts(), START + hours(0.99))
    assert (found.decisions, found.due_at) == ((), START + hours(1))


@pytest.mark.requirement("X32")
def test_offsets_count_from_the_enrolment_however_late_a_step_was_done() -> None:
    found = advance(ESCALATION, enrolled(), facts(), START + hours(1.5))
    assert found.decisions[0].origin.due_at == START + hours(1)  # type: ignore[union-attr]
    assert found.due_at == START + hours(24)


def test_a_step_decides_once() -> None:
    first = advance(ESCALATION, enrolled(), facts(), START + hours(1))
    again = advance(ESCALATION, first.enrolment, facts(), START + hours(1))
    assert steps(first) == ["mail"]
    assert (again.decisions, again.enrolment, again.due_at) == ((), first.enrolment, first.due_at)


@pytest.mark.requirement("A050")
def test_an_answer_stops_what_was_meant_for_silence() -> None:
    answered = facts(replied_at=START + hours(30))
    told = looks(ESCALATION, enrolled(), (1, facts()), (24, facts()), (30, answered), (48, answered))
    assert told == [["mail"], ["call"], [], [""], ["completed"]]


def test_an_answer_is_remembered() -> None:
    told = looks(ESCALATION, enrolled(), (1, facts()), (20, facts(replied_at=START + hours(19))), (24, facts()))
    assert told[2] == []


@pytest.mark.parametrize("at", [START - hours(1), START + hours(30)])
def test_an_answer_from_before_the_enrolment_or_from_later_does_not_count(at: datetime) -> None:
    assert steps(advance(ESCALATION, enrolled(), facts(replied_at=at), START + hours(24))) == ["mail", "call"]


@pytest.mark.parametrize(
    ("known", "because"),
    [
        (facts(is_churned=True), "churned"),
        (facts(is_opted_out=True), "opted_out"),
        (facts(score="50"), "goal_reached"),
        (facts(is_signal_open=False), "condition_gone"),
        (facts(seats=1), "shrunk"),
    ],
)
@pytest.mark.requirement("X12")
def test_an_exit_comes_before_everything_that_is_due(known: Facts, because: str) -> None:
    found = advance(ESCALATION, enrolled(), known, START + hours(50))
    assert found.decisions == (Finish(because, START + hours(50)),)
    assert {settled.because for settled in found.enrolment.settled.values()} == {because}
    assert found.due_at is None
    later = advance(ESCALATION, found.enrolment, facts(), START + hours(60))
    assert later == Advance(found.enrolment)


def test_what_cannot_be_said_ends_nothing() -> None:
    unknown = facts(score=None, seats=None, is_signal_open=None)
    assert steps(advance(ESCALATION, enrolled(), unknown, START + hours(1))) == ["mail"]


@pytest.mark.requirement("X33")
@pytest.mark.parametrize(
    ("score", "does"),
    [("30", True), ("35", True), ("35.000000001", False), ("50", False), (None, False), ("10", True)],
)
def test_no_improvement_is_at_most_the_margin_above_the_start_and_no_better_band(score: str | None, does: bool) -> None:
    plan = playbook("{id: call, kind: task, title: Call, after: 24h, only_if: {no_improvement: true}}")
    found = advance(plan, enrolled(), facts(score=score), START + hours(24))
    assert ("call" in steps(found)) is does


def test_a_better_band_is_an_improvement_whatever_the_margin() -> None:
    plan = playbook("{id: call, kind: task, title: Call, after: 1h, only_if: {no_improvement: {points: 90}}}")
    assert steps(advance(plan, enrolled(score="49"), facts(score="50"), START + hours(1))) == [""]
    assert steps(advance(plan, enrolled(score="49"), facts(score="49.9"), START + hours(1))) == ["call", ""]


def test_conditions_of_signals_are_asked_when_the_step_is_due() -> None:
    plan = playbook("{id: call, kind: task, title: Call, after: 1h, only_if: {no_response: true, score: {below: 20}}}")
    found = advance(plan, enrolled(), facts(score="20"), START + hours(1))
    assert found.enrolment.settled["call"].because == "condition"
    unknown = advance(plan, enrolled(), facts(score=None), START + hours(1))
    assert unknown.enrolment.settled["call"].because == "cannot_be_said"


@pytest.mark.requirement("X07")
def test_a_message_in_somebodys_name_waits_for_that_person() -> None:
    (sent,) = advance(ESCALATION, enrolled(), facts(), START + hours(1)).decisions
    assert isinstance(sent, Send)
    assert (sent.sender, sent.origin.approve_by) == ("csm", "csm")


@pytest.mark.parametrize(
    ("more", "step", "approve_by"),
    [
        ("approval: none\n", "", ""),
        ("", ", approval: none", ""),
        ("approval: none\n", ", approval: sender", "ceo"),
        ("roles: [cfo]\n", ", approval: cfo", "cfo"),
    ],
)
def test_playbook_and_step_may_say_otherwise(more: str, step: str, approve_by: str) -> None:
    plan = playbook(f"{{id: mail, kind: message, title: Mail, template: a, from: ceo, after: 0m{step}}}", more)
    (sent, _) = advance(plan, enrolled(), facts(), START).decisions
    assert isinstance(sent, Send)
    assert sent.origin.approve_by == approve_by


@pytest.mark.parametrize(
    ("late", "hours_after", "told"),
    [
        ("send", 2, (False, "")),
        ("send", 2.01, (True, "")),
        ("ask", 2, (False, "")),
        ("ask", 2.01, (True, "csm")),
        ("skip", 2, (False, "")),
        ("skip", 2.01, None),
    ],
)
def test_a_late_look_obeys_the_step(late: str, hours_after: float, told: tuple[bool, str] | None) -> None:
    plan = playbook("{id: mail, kind: message, title: Mail, template: a, after: 1h}", f"late: {late}\ngrace: 1h\n")
    found = advance(plan, enrolled(), facts(), START + hours(hours_after))
    sent = [one for one in found.decisions if isinstance(one, Send)]
    assert [(one.origin.is_late, one.origin.approve_by) for one in sent] == ([told] if told else [])
    assert found.enrolment.settled["mail"].because == ("" if told else "too_late")


def test_within_says_when_a_step_is_late() -> None:
    plan = playbook("{id: mail, kind: message, title: Mail, template: a, after: 0m, within: 4h}", "late: skip\n")
    assert steps(advance(plan, enrolled(), facts(), START + hours(4))) == ["mail", ""]
    assert steps(advance(plan, enrolled(), facts(), START + hours(4.01))) == [""]


def test_work_of_ours_is_done_late_rather_than_not_at_all() -> None:
    line = "{{id: call, kind: task, title: Call, after: 1h{}}}"
    plan, strict = (playbook(line.format(more), "late: skip\n") for more in ("", ", late: skip"))
    (task, _) = advance(plan, enrolled(), facts(), START + hours(90)).decisions
    assert isinstance(task, CreateTask)
    assert task.origin.is_late
    assert steps(advance(strict, enrolled(), facts(), START + hours(90))) == [""]


def test_another_playbook_ends_it_once() -> None:
    begun = advance(ESCALATION, enrolled(), facts(), START + hours(1)).enrolment
    found = end_enrolment(ESCALATION, begun, SUPERSEDED, START + hours(2))
    assert found.decisions == (Finish("superseded", START + hours(2)),)
    assert found.enrolment.settled["mail"].status == "done"
    assert found.enrolment.settled["call"].because == "superseded"
    assert advance(ESCALATION, found.enrolment, facts(), START + hours(24)).decisions == ()
    assert end_enrolment(ESCALATION, found.enrolment, "churned", START + hours(3)) == Advance(found.enrolment)


def test_accounts_of_the_holdout_are_left_alone() -> None:
    found = advance(ESCALATION, enrolled(arm=HOLDOUT), facts(), START)
    assert found.decisions == (Finish(HOLDOUT, START),)


def test_an_arm_has_its_own_steps() -> None:
    plan = playbook(
        """
        {id: short, kind: message, title: Short, template: a, after: 0m, arm: short}
        {id: long, kind: message, title: Long, template: b, after: 0m, arm: long}
        {id: call, kind: task, title: Call, after: 0m}
        """,
        "arms: {short: 1, long: 1}\n",
    )
    assert steps(advance(plan, enrolled(arm="long"), facts(), START)) == ["long", "call", ""]


def test_a_branch_takes_one_path_for_good() -> None:
    plan = playbook(
        """
        {id: fork, kind: branch, title: F, after: 1h, ways: [{path: deep, only_if: {score: {below: 20}}}], otherwise: b}
        {id: visit, kind: task, title: Visit, after: 2h, path: deep}
        {id: call, kind: task, title: Call, after: 2h, path: b}
        """
    )
    assert looks(plan, enrolled(), (1, facts(score="10")), (2, facts(score="40"))) == [[], ["visit", ""], ["completed"]]
    assert looks(plan, enrolled(), (1, facts(score=None)), (2, facts(score="10")))[1] == ["call", ""]


def test_finish_ends_the_enrolment_and_skips_the_rest() -> None:
    plan = playbook(
        """
        {id: enough, kind: finish, title: Enough, after: 1h, only_if: {score: {at_least: 40}}}
        {id: call, kind: task, title: Call, after: 2h}
        """
    )
    found = advance(plan, enrolled(), facts(score="40"), START + hours(3))
    assert steps(found) == ["enough"]
    assert found.enrolment.finished_because == found.enrolment.settled["call"].because == "finished"


OFFERS = playbook(
    """
    {id: offer, kind: offer, title: Offer, offers: [pause, gift], after: 0m}
    {id: mail, kind: message, title: Mail, template: a, mentions: [pause, gift], after: 1h, late: send}
    """,
    "offers:\n"
    "  pause: {title: Pause, eligible: {metric: {seats: {at_least: 3}}}, valid_for: 2d}\n"
    "  gift: {title: Gift, valid_for: 4h}\n",
)


@pytest.mark.requirement("X11")
def test_an_offer_is_made_to_the_eligible_and_expires() -> None:
    made = advance(OFFERS, enrolled(), facts(seats=None), START)
    (offer,) = made.decisions
    assert isinstance(offer, Offer)
    assert offer.expires_at == {"gift": START + hours(4)}
    (sent, _) = advance(OFFERS, made.enrolment, facts(), START + hours(3.99)).decisions
    assert isinstance(sent, Send)
    assert sent.offers == ("gift",)
    late = advance(OFFERS, made.enrolment, facts(), START + hours(4))
    assert (steps(late), late.enrolment.settled["mail"].because) == ([""], "no_offer_stands")


def test_what_was_held_back_was_never_offered() -> None:
    made = advance(OFFERS, enrolled(), facts(), START)
    held_back = with_suppressed(made.enrolment, "offer", "cap", START)
    assert held_back.settled["offer"].status == "suppressed"
    found = advance(OFFERS, held_back, facts(), START + hours(1))
    assert found.enrolment.settled["mail"].because == "no_offer_stands"
