"""The promises of the state machine, for any playbook, any facts and any moments at which somebody looks."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import keepwell.playbooks.advance as advance_module
from keepwell.playbooks.advance import Advance, advance
from keepwell.playbooks.decision import Decision, Finish
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.playbook import Playbook
from tests.unit.playbooks.world import HEAD, START, book, enrolled, facts

AFTER = ("0m", "30m", "1h", "24h", "48h", "72h", "day 1 at 09:00", "day 3", "next_business_day", "2 business hours")
ONLY = ("", "no_response: true", "no_improvement: true", "score: {below: 40}", "no_response: true, seats: 1")
KINDS = (
    "kind: message, template: a, from: csm",
    "kind: in_app, template: b",
    "kind: task",
    "kind: notify, notify: [csm], sentence: Look",
    "kind: message, template: c, mentions: [gift]",
    "kind: offer, offers: [gift]",
)
FORK = (
    "  - {id: fork, kind: branch, title: F, after: 0m, otherwise: b, ways: [{path: a, only_if: {score: {below: 31}}}]}"
)
WAIT = "  - {id: hold, kind: wait, title: H, after: 30m, within: 24h, until: {responded: true}, then: c, otherwise: d}"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
# Around the change of the clock in Berlin and New York.
STARTS = st.integers(0, 28 * 24 * 60).map(lambda minute: datetime(2026, 3, 5, tzinfo=UTC) + timedelta(minutes=minute))


@dataclass(frozen=True)
class World:
    """What becomes of the account; each time is in minutes after the enrolment."""

    scores: Sequence[tuple[int, str | None]]
    replied: int | None
    churned: int | None

    def news(self, started_at: datetime) -> list[datetime]:
        """When something becomes known that makes the live system look."""
        told = [at for at, _ in self.scores] + ([self.replied] if self.replied is not None else [])
        return [started_at + timedelta(minutes=one) for one in told]

    def known(self, started_at: datetime, now: datetime) -> Facts:
        passed = (now - started_at) / timedelta(minutes=1)
        score: str | None = "30"
        for at, told in sorted(self.scores, key=lambda one: one[0]):
            score = told if at <= passed else score
        has_replied = self.replied is not None and self.replied <= passed
        return facts(
            score,
            replied_at=started_at + timedelta(minutes=self.replied or 0) if has_replied else None,
            is_churned=self.churned is not None and self.churned <= passed,
        )


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    lines = [FORK] if draw(st.booleans()) else []
    paths = ("", ", path: a", ", path: b") if lines else ("",)
    if draw(st.booleans()):
        lines.append(WAIT)
        paths = (*paths, ", path: c", ", path: d")
    for number in range(draw(st.integers(1, 7))):
        only = draw(st.sampled_from(ONLY)).replace("seats: 1", "metric: {seats: {at_least: 1}}")
        asked = f", only_if: {{{only}}}" if only else ""
        told = (
            draw(st.sampled_from(KINDS)),
            f"after: {draw(st.sampled_from(AFTER))}{asked}{draw(st.sampled_from(paths))}",
        )
        lines.append(f"  - {{id: s{number}, title: S, {', '.join(told)}}}")
    more = draw(st.sampled_from(("", "goal: {score: {at_least: 50}}\n")))
    late = draw(st.sampled_from(("send", "skip", "ask")))
    offers = "offers: {gift: {title: Gift, valid_for: 1d}}\n"
    text = f"{HEAD}{more}late: {late}\n{offers}steps:\n" + "\n".join(lines) + "\n"
    return book(one=text).playbooks["one"]


MINUTES = st.integers(0, 100 * 60)
SCORES = st.lists(st.tuples(MINUTES, st.sampled_from((None, "10", "33", "45", "60"))), max_size=4)
WORLDS = st.builds(World, SCORES, st.none() | MINUTES, st.none() | MINUTES)
LOOKS = st.lists(st.integers(0, 240 * 60), max_size=15)


Advancer = Callable[[Playbook, Enrolment, Facts, datetime], Advance]
Decided = list[tuple[datetime, Decision]]


def play(
    step: Advancer,
    plan: Playbook,
    enrolment: Enrolment,
    world: World,
    moments: Sequence[datetime],
    *,
    is_punctual: bool,
) -> tuple[Decided, Enrolment]:
    """Look at these moments and, if punctual, at each due time as well; what was decided, with its time."""
    waiting = sorted(moments)
    due_at: datetime | None = enrolment.started_at if is_punctual else None
    found: Decided = []
    while not enrolment.is_finished and (waiting or due_at is not None):
        now = due_at if due_at is not None and (not waiting or due_at <= waiting[0]) else waiting.pop(0)
        result = step(plan, enrolment, world.known(enrolment.started_at, now), now)
        enrolment = result.enrolment
        due_at = result.due_at if is_punctual else None
        assert due_at is None or due_at > now
        found += [(now, one) for one in result.decisions]
    return found, enrolment


def done(found: Decided) -> Decided:
    return [(now, one) for now, one in found if not isinstance(one, Finish)]


def looking_more_often_changes_no_step(
    step: Advancer, plan: Playbook, world: World, minutes: list[int], zone: str, started_at: datetime
) -> None:
    news = world.news(started_at)
    extra = [*news, *(started_at + timedelta(minutes=one) for one in minutes)]
    seldom, _ = play(step, plan, enrolled(zone, at=started_at), world, news, is_punctual=True)
    often, _ = play(step, plan, enrolled(zone, at=started_at), world, extra, is_punctual=True)
    # A goal may be reached and lost again between two due times; whoever looks then ends the enrolment earlier.
    if any(isinstance(one, Finish) and one.because == "goal_reached" for _, one in often):
        assert done(often) == done(seldom)[: len(done(often))]
    else:
        assert done(often) == done(seldom)
    for now, one in done(often):
        assert not isinstance(one, Finish)
        assert one.origin.due_at == now
        assert not one.origin.is_late


def no_step_comes_twice_before_its_time_or_after_the_end(
    step: Advancer, plan: Playbook, world: World, minutes: list[int], zone: str, started_at: datetime
) -> None:
    moments = [started_at + timedelta(minutes=one) for one in minutes]
    found, enrolment = play(step, plan, enrolled(zone, at=started_at), world, moments, is_punctual=False)
    origins = [one.origin for _, one in found if not isinstance(one, Finish)]
    assert len(origins) == len({origin.step for origin in origins})
    assert all(one.origin.due_at <= now for now, one in found if not isinstance(one, Finish))
    assert all(not isinstance(one, Finish) for _, one in found[:-1])
    if enrolment.is_finished:
        assert isinstance(found[-1][1], Finish)
        assert set(enrolment.settled) == {one.id for one in plan.steps}
        later = max(moments) + timedelta(days=9)
        assert step(plan, enrolment, world.known(started_at, later), later).decisions == ()
    if world.churned is not None:
        assert all(now < started_at + timedelta(minutes=world.churned) for now, _ in done(found))


def an_answer_stops_what_waits_for_silence(
    step: Advancer, plan: Playbook, world: World, minutes: list[int], started_at: datetime
) -> None:
    moments = [started_at + timedelta(minutes=one) for one in minutes]
    found, _ = play(step, plan, enrolled(at=started_at), world, moments, is_punctual=True)
    silent = {one.id for one in plan.steps if one.only_if and any(g.kind == "no_response" for g in one.only_if.gates)}
    for now, one in found:
        if not isinstance(one, Finish) and one.origin.step in silent and world.replied is not None:
            assert now < started_at + timedelta(minutes=world.replied)


def a_late_look_obeys_the_playbook(step: Advancer, plan: Playbook, minute: int, started_at: datetime) -> None:
    now = started_at + timedelta(minutes=minute)
    found = step(plan, enrolled(at=started_at), facts(), now)
    by_id = {one.id: one for one in plan.steps}
    for one in found.decisions:
        if isinstance(one, Finish):
            continue
        assert one.origin.is_late == (now > one.origin.due_at + plan.grace)
        if one.origin.is_late and by_id[one.origin.step].reaches_contact:
            assert plan.late != "skip"
            assert plan.late == "send" or one.origin.approve_by
    skipped = {name for name, one in found.enrolment.settled.items() if one.because == "too_late"}
    assert not skipped or plan.late == "skip"


def the_same_inputs_give_the_same_outputs(step: Advancer, plan: Playbook, world: World, minute: int) -> None:
    now = START + timedelta(minutes=minute)
    known = world.known(START, now)
    first, second = (step(plan, enrolled(), known, now) for _ in range(2))
    assert first == second
    assert step(plan, first.enrolment, known, now).decisions == ()


ZONE = st.sampled_from(ZONES)
MINUTE = st.integers(0, 240 * 60)
PROMISES: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    looking_more_often_changes_no_step: (playbooks(), WORLDS, LOOKS, ZONE, STARTS),
    no_step_comes_twice_before_its_time_or_after_the_end: (playbooks(), WORLDS, LOOKS, ZONE, STARTS),
    an_answer_stops_what_waits_for_silence: (playbooks(), WORLDS, LOOKS, STARTS),
    a_late_look_obeys_the_playbook: (playbooks(), MINUTE, STARTS),
    the_same_inputs_give_the_same_outputs: (playbooks(), WORLDS, MINUTE),
}


def hold(step: Advancer, promise: Callable[..., None], **more: Any) -> None:
    @settings(max_examples=150, deadline=None, **more)
    @given(st.tuples(*PROMISES[promise]))
    def held(asked: tuple[Any, ...]) -> None:
        promise(step, *asked)

    held()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_state_machine_keeps_its_promise(promise: Callable[..., None]) -> None:
    hold(advance, promise)


# One place of `advance.py` that reads otherwise, and what it then does wrong.
MUTANTS = {
    "a step decides again": ("if step.id not in enrolment.settled", "if step.id"),
    "churn ends nothing": ("if facts.is_churned:", "if facts.is_churned and False:"),
    "exits are asked after the first step": (
        "because = _exit(playbook, enrolment, facts)\n",
        "because = _exit(playbook, enrolment, facts) if enrolment.settled else ''\n",
    ),
    "a step comes before it is due": ("if due_at > now:", "if due_at > now + (now - enrolment.started_at):"),
    "an answer is not kept": ("replace(enrolment, replied_at=replied_at) if", "enrolment if"),
    "what is late is done all the same": ('if is_late and policy == "skip":', 'if is_late and policy == "never":'),
    "nobody is asked about what is late": ('if is_late and policy == "ask":', 'if is_late and policy == "never":'),
    "being late is not noticed": ("is_late = now > late_at", "is_late = False"),
    "steps after the end stay open": (
        'enrolment = with_settled(enrolment, step.id, Settled("skipped", end.at, end.because))',
        "pass",
    ),
    "the enrolment goes on after its end": ("if enrolment.is_finished:", "if enrolment.is_finished and False:"),
    "a wait is over when nobody looks": ("ends.append(outcome.waits_until)", "pass"),
    "what waited for its path is late": (
        "return max(own, min((_opens_at(playbook, one, enrolment) for one in leading), default=own))",
        "return own",
    ),
    "the next due time is that of the last step": (
        "return Advance(enrolment, tuple(decisions), min([due_at, *ends]))",
        "return Advance(enrolment, tuple(decisions), timetable(playbook, enrolment)[-1][0])",
    ),
}


def mutant(old: str = "", new: str = "") -> Advancer:
    """`advance` of a copy of its module in which one place reads otherwise."""
    source = inspect.getsource(advance_module)
    assert not old or source.count(old) == 1, old
    names: dict[str, Any] = {"__name__": advance_module.__name__}
    exec(compile(source.replace(old, new) if old else source, "mutant", "exec"), names)
    found: Advancer = names["advance"]
    return found


def all_hold(step: Advancer) -> None:
    for promise in PROMISES:
        hold(step, promise, database=None, derandomize=True, report_multiple_bugs=False, phases=[Phase.generate])


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_in_the_state_machine_is_found(fault: str) -> None:
    faulty = mutant(*MUTANTS[fault])
    with pytest.raises(AssertionError):
        all_hold(faulty)


def test_a_copy_without_a_fault_is_not_refused() -> None:
    all_hold(mutant())
