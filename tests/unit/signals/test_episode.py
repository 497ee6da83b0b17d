"""An episode is told once, and nothing that lasts is lost on the way."""

import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from keepwell.signals import episode as episode_module
from keepwell.signals.episode import Episode, Step, dismissed, next_step, step
from keepwell.signals.policy import Fast, Policy
from keepwell.signals.truth import NO, UNKNOWN, YES

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Stepper = Callable[..., Step]

hours = st.integers(0, 12).map(lambda count: count * HOUR)
fasts = st.one_of(st.none(), hours.map(lambda dwell: Fast(fall=Decimal(15), dwell=dwell)))
policies = st.builds(Policy, dwell=hours, clear=hours, cool_down=hours, fast=fasts)
truths = st.lists(st.sampled_from([YES, YES, NO, NO, UNKNOWN]), max_size=60)


def told(stepper: Stepper, policy: Policy, seen: Sequence[int], *, quiet: bool = False) -> list[tuple[int, str]]:
    """Each transition with the hour of its look."""
    now: Episode | None = None
    found: list[tuple[int, str]] = []
    for hour, truth in enumerate(seen):
        after = stepper(now, truth, policy, START + hour * HOUR, is_quiet=quiet)
        now = after.episode
        if after.transition is not None:
            found.append((hour, after.transition))
    return found


def runs(seen: Sequence[int], wanted: int) -> list[tuple[int, int]]:
    """First and last hour of each stretch in which `wanted` is seen, what is unknown apart."""
    known = [(hour, truth) for hour, truth in enumerate(seen) if truth != UNKNOWN]
    found: list[tuple[int, int]] = []
    last = UNKNOWN
    for hour, truth in known:
        if truth == wanted:
            found = [*found[:-1], (found[-1][0], hour)] if last == wanted else [*found, (hour, hour)]
        last = truth
    return found


def check_it_opens_and_closes_in_turn(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    """One open for each episode, and closed before the next."""
    words = [word for _, word in told(stepper, policy, seen)]
    assert words == ["open", "close"] * (len(words) // 2) + ["open"] * (len(words) % 2)


def check_it_opens_only_after_the_dwell(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    for hour, word in told(stepper, policy, seen):
        if word == "open":
            (since,) = [first for first, last in runs(seen, YES) if first <= hour <= last]
            assert (hour - since) * HOUR >= policy.dwell


def check_it_closes_only_after_the_clear(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    for hour, word in told(stepper, policy, seen):
        if word == "close":
            (since,) = [first for first, last in runs(seen, NO) if first <= hour <= last]
            assert (hour - since) * HOUR >= policy.clear


def check_a_cool_down_keeps_still(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    closed: int | None = None
    for hour, word in told(stepper, policy, seen):
        if word == "open" and closed is not None:
            assert (hour - closed) * HOUR >= policy.cool_down
        closed = hour if word == "close" else closed


def check_what_holds_for_ever_is_told(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    """Whatever came before, no cool-down swallows it."""
    longest = (policy.dwell + policy.cool_down + policy.clear) // HOUR + 2
    words = [word for _, word in told(stepper, policy, [*seen, *[YES] * longest])]
    assert words[-1:] == ["open"]


def check_what_is_over_closes(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    longest = policy.clear // HOUR + 1
    assert [word for _, word in told(stepper, policy, [*seen, *[NO] * longest])][-1:] != ["open"]


def check_the_unknown_changes_nothing(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    now: Episode | None = None
    for hour, truth in enumerate(seen):
        at = START + hour * HOUR
        after = stepper(now, UNKNOWN, policy, at)
        assert (after.episode, after.transition) == (now, None)
        now = stepper(now, truth, policy, at).episode


def check_a_quiet_look_opens_nothing(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    assert "open" not in [word for _, word in told(stepper, policy, seen, quiet=True)]


def check_what_held_in_a_quiet_look_is_not_told_later(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    now = stepper(None, YES, policy, START, is_quiet=True).episode
    for hour in range(1, 40):
        after = stepper(now, YES, policy, START + hour * HOUR)
        assert after.transition is None
        now = after.episode


def check_a_grave_fall_breaks_the_cool_down(stepper: Stepper, policy: Policy, seen: Sequence[int]) -> None:
    if policy.fast is None:
        return
    dwell = policy.fast.dwell // HOUR
    now: Episode | None = Episode("cooling", START, START + timedelta(days=300))
    words = []
    for hour in range(dwell + 1):
        after = stepper(now, YES, policy, START + hour * HOUR, is_grave=True)
        now = after.episode
        words.append(after.transition)
    assert words == [None] * dwell + ["open"]


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@given(policy=policies, seen=truths)
def test_an_episode_keeps_its_promises(check: Callable[..., None], policy: Policy, seen: list[int]) -> None:
    check(step, policy, seen)


# Each is a small fault in the rules; a property must find it.
MUTANTS = {
    "an unknown value counts as over": (
        "if truth == UNKNOWN:\n        return Step(before)",
        "if truth == 9:\n        return Step(before)",
    ),
    "the dwell is left out": ("if now - since >= policy.dwell and not is_cool:", "if not is_cool:"),
    "the cool-down is left out": ("if now - since >= policy.dwell and not is_cool:", "if now - since >= policy.dwell:"),
    "the cool-down never ends": (
        "is_cool = until is not None and now < until\n    fast",
        "is_cool = until is not None\n    fast",
    ),
    "the clear is left out": ("if now - begun < policy.clear:", "if now - begun < now - now:"),
    "the clear begins anew with each look": (
        'begun = before.since if before.phase == "clearing" else now',
        "begun = now",
    ),
    "what is pending begins anew with each look": (
        'since = before.since if before is not None and before.phase == "pending" else now',
        "since = now",
    ),
    "an open episode opens again": (
        'return Step(before if before.phase == "open" else replace(before, phase="open", since=now))',
        'return Step(replace(before, phase="open", since=now), "open")',
    ),
    "a quiet look opens": ("if is_quiet:", "if is_quiet and before is not None:"),
    "what is muted is told": ('before.phase == "muted" and not is_grave', 'before.phase == "never" and not is_grave'),
    "a grave fall waits for the cool-down": (
        "if fast is not None and now - since >= fast.dwell:",
        "if fast is not None and not is_cool and now - since >= fast.dwell:",
    ),
}


def mutant(old: str = "", new: str = "") -> Stepper:
    """`step` of a copy of its module in which one place reads otherwise."""
    source = inspect.getsource(episode_module)
    assert not old or source.count(old) == 1, old
    names: dict[str, object] = {"__name__": "keepwell.signals.episode"}
    exec(compile(source.replace(old, new) if old else source, "mutant", "exec"), names)
    stepper = names["step"]
    assert callable(stepper)
    return stepper


def all_hold(stepper: Stepper) -> None:
    @settings(max_examples=200, database=None, derandomize=True, report_multiple_bugs=False, phases=[Phase.generate])
    @given(policy=policies, seen=truths)
    def hold(policy: Policy, seen: list[int]) -> None:
        for check in CHECKS:
            check(stepper, policy, seen)

    hold()


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_in_the_rules_is_found(fault: str) -> None:
    with pytest.raises(AssertionError):
        all_hold(mutant(*MUTANTS[fault]))


def test_a_copy_without_a_fault_is_not_refused() -> None:
    all_hold(mutant())


@given(policy=policies, seen=truths)
def test_looking_only_when_something_is_due_tells_the_same(policy: Policy, seen: list[int]) -> None:
    """What `next_step` says is early enough: between a change and the next one nothing else need be looked at."""
    hourly = told(step, policy, seen)
    now: Episode | None = None
    sparse: list[tuple[int, str]] = []
    last = UNKNOWN
    for hour, truth in enumerate(seen):
        at = START + hour * HOUR
        due = next_step(now, policy) if now is not None else None
        if truth == last and (due is None or at < due):
            continue
        after = step(now, truth, policy, at)
        now, last = after.episode, truth
        if after.transition is not None:
            sparse.append((hour, after.transition))
    assert sparse == hourly


@given(policy=policies)
def test_what_somebody_closed_is_not_told_again_while_it_holds(policy: Policy) -> None:
    now: Episode | None = dismissed(policy, START)
    for hour in range(1, 40):
        after = step(now, YES, policy, START + hour * HOUR)
        assert after.transition is None
        now = after.episode
