"""The promises of the one voice, for any messages, any standings and any moments at which somebody asks."""

import inspect
import random
from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import keepwell.playbooks.voice as voice_module
from keepwell.base.business_time import Calendar
from keepwell.base.wall_time import local_time
from keepwell.playbooks.step import Late
from keepwell.playbooks.template import Purpose
from keepwell.playbooks.voice import Candidate, Said, Standing, Verdict, Voice

Judge = Callable[..., dict[int, Verdict]]
# The clock of Berlin goes forward on the third day at one o'clock, that of New York has done so three weeks before.
START = datetime(2026, 3, 27, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
HOURS = {
    "": [],
    "20:00-08:00": [(time(20), time.max), (time(0), time(8))],
    "02:15-02:45": [(time(2, 15), time(2, 45))],
    "22:00-02:30": [(time(22), time.max), (time(0), time(2, 30))],
    "06:00-05:00": [(time(6), time.max), (time(0), time(5))],
}
RANK: tuple[Purpose, ...] = ("service", "retention", "expansion")


DAYS = 12
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """Messages to two contacts, and what becomes of contacts, enrolments and accounts; looks are at any moments.

    With `is_punctual`, somebody also asks when a hold is over.
    """

    voice: Voice
    candidates: tuple[Candidate, ...]
    opted_out_at: Mapping[int, datetime]
    over_at: Mapping[int, datetime]
    falling: frozenset[int]
    looks: tuple[datetime, ...]
    is_punctual: bool
    dice: int

    def standing(self, one: Candidate, now: datetime) -> Standing:
        return Standing(
            is_opted_out=one.contact is not None and self.opted_out_at.get(one.contact, NEVER) <= now,
            has_address=one.contact is not None,
            is_over=self.over_at.get(one.enrolment, NEVER) <= now,
            is_falling=one.enrolment in self.falling,
        )


def any_moment(dice: random.Random, days: int = DAYS) -> datetime:
    return START + dice.randrange(days * 24 * 60) * MINUTE


def any_voice(dice: random.Random) -> Voice:
    periods = (timedelta(0), 6 * 60 * MINUTE, DAY, 2 * DAY, 7 * DAY)
    return Voice(
        most_messages=dice.randint(1, 3),
        within=dice.choice(periods),
        cool_down=dice.choice(periods),
        quiet_hours=dice.choice(list(HOURS)),
    )


def any_candidates(dice: random.Random, most: int) -> tuple[Candidate, ...]:
    calendars = {contact: Calendar(zone=dice.choice(ZONES)) for contact in (None, 1, 2)}
    found = []
    for touch in range(1, dice.randint(1, most) + 1):
        contact = dice.choice((1, 1, 1, 1, 1, 2, None))
        due_at = any_moment(dice, 3)
        late: Late = dice.choice(("send", "send", "send", "skip", "ask"))
        purpose: Purpose = dice.choice(RANK)
        found.append(
            Candidate(
                touch=touch,
                enrolment=dice.randint(1, 4),
                contact=contact,
                channel=dice.choice(("mail", "mail", "mail", "mail", "in_app")),
                purpose=purpose,
                priority=dice.randint(1, 3),
                due_at=due_at,
                late_at=due_at + dice.randrange(9 * 24 * 60) * MINUTE,
                late=late,
                is_approved=dice.random() < 0.2,
                calendar=calendars[contact],
            )
        )
    return tuple(found)


def any_world(seed: int) -> World:
    dice = random.Random(seed)
    return World(
        voice=any_voice(dice),
        candidates=any_candidates(dice, 12),
        opted_out_at={1: any_moment(dice)} if dice.random() < 0.5 else {},
        over_at={dice.randint(1, 4): any_moment(dice)} if dice.random() < 0.5 else {},
        falling=frozenset(one for one in range(1, 5) if dice.random() < 0.2),
        looks=tuple(sorted(any_moment(dice) for _ in range(dice.randint(1, 30)))),
        is_punctual=dice.random() < 0.5,
        dice=seed,
    )


SEEDS = st.integers(0, 2**40)
WORLDS = SEEDS.map(any_world)


def play(judge: Judge, world: World) -> list[tuple[datetime, Candidate, Standing]]:
    """What left, with its moment and what was true then."""
    dice = random.Random(world.dice)
    waiting = {one.touch: one for one in world.candidates}
    said: dict[int, list[Said]] = defaultdict(list)
    looks = list(world.looks)
    left = []
    while looks:
        now = looks.pop(0)
        # Somebody else may have the others in hand.
        asked = [one for one in waiting.values() if one.due_at <= now and dice.random() < 0.8]
        standings = {one.touch: world.standing(one, now) for one in asked}
        found = judge(asked, standings, said, dict.fromkeys(standings, world.voice), now)
        assert set(found) == set(standings)
        for one in asked:
            act, until = found[one.touch].act, found[one.touch].until
            if act == "leave":
                left.append((now, one, standings[one.touch]))
                if one.channel == "mail" and one.contact is not None:
                    said[one.contact].append(Said(at=now, enrolment=one.enrolment, is_automatic=not one.is_approved))
            if act != "hold":
                waiting.pop(one.touch)
            elif world.is_punctual and until is not None and now < until < START + DAYS * DAY:
                insort(looks, until)
            if act == "ask":
                # Somebody says yes at once.
                waiting[one.touch] = replace(one, is_approved=True)
    return left


def nothing_leaves_after_an_opt_out_or_an_end(judge: Judge, world: World) -> None:
    for _, one, true in play(judge, world):
        assert not true.is_opted_out
        assert not true.is_over
        assert not (true.is_falling and one.purpose == "expansion")
        assert one.contact is not None or one.channel == "in_app"


def no_stretch_holds_more_than_the_cap_and_enrolments_keep_apart(judge: Judge, world: World) -> None:
    for contact in (1, 2):
        automatic = [
            (now, one)
            for now, one, _ in play(judge, world)
            if one.contact == contact and one.channel == "mail" and not one.is_approved
        ]
        for now, one in automatic:
            stretch = [at for at, _ in automatic if now <= at < now + world.voice.within]
            assert len(stretch) <= world.voice.most_messages
            others = [at for at, other in automatic if other.enrolment != one.enrolment]
            assert not [at for at in others if now <= at < now + world.voice.cool_down]


def is_quiet(voice: Voice, at: datetime, zone: str) -> bool:
    shown = local_time(at, Calendar(zone=zone).place).time()
    return any(begin <= shown < end for begin, end in HOURS[voice.quiet_hours])


def nothing_leaves_in_quiet_hours(judge: Judge, world: World) -> None:
    for now, one, _ in play(judge, world):
        assert one.channel == "in_app" or not is_quiet(world.voice, now, one.calendar.zone)


def nothing_late_leaves_unless_its_policy_or_somebody_says_so(judge: Judge, world: World) -> None:
    for now, one, _ in play(judge, world):
        if now > one.late_at:
            assert one.late != "skip"
            assert one.late == "send" or one.is_approved


GOOD = Standing(is_opted_out=False, has_address=True, is_over=False, is_falling=False)


def any_said(dice: random.Random) -> Said:
    at = START + dice.randrange(-9 * 24 * 60, 5 * 24 * 60) * MINUTE
    return Said(at=at, enrolment=dice.randint(1, 5), is_automatic=dice.random() < 0.7)


@dataclass(frozen=True)
class Case:
    """One look at messages of good standing."""

    voice: Voice
    candidates: tuple[Candidate, ...]
    said: tuple[Said, ...]
    now: datetime

    def judged(self, judge: Judge) -> dict[int, tuple[str, str, datetime | None]]:
        touches = [one.touch for one in self.candidates]
        voice = dict.fromkeys(touches, self.voice)
        said = dict.fromkeys((1, 2), self.said)
        found = judge(self.candidates, dict.fromkeys(touches, GOOD), said, voice, self.now)
        return {touch: (one.act, one.because, one.until) for touch, one in found.items()}


def any_case(seed: int) -> Case:
    dice = random.Random(seed)
    said = tuple(any_said(dice) for _ in range(dice.randint(0, 5)))
    return Case(any_voice(dice), any_candidates(dice, 6), said, any_moment(dice, 5))


CASES = SEEDS.map(any_case)


def order(candidates: Sequence[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda one: (RANK.index(one.purpose), -one.priority, one.due_at, one.touch))


def what_comes_behind_changes_nothing_and_waits(judge: Judge, case: Case) -> None:
    ranked = order(case.candidates)
    whole = case.judged(judge)
    assert replace(case, candidates=tuple(reversed(case.candidates))).judged(judge) == whole
    for place, one in enumerate(ranked):
        before = replace(case, candidates=tuple(ranked[: place + 1])).judged(judge)
        assert before[one.touch] == whole[one.touch]
        if whole[one.touch][:2] == ("hold", "cap"):
            behind = [low for low in ranked[place:] if low.contact == one.contact and low.channel == "mail"]
            assert not [low for low in behind if whole[low.touch][0] == "leave" and not low.is_approved]


def more_said_before_never_lets_more_leave(judge: Judge, case: Case, more: Said) -> None:
    """Of one message alone; of several, one that is held makes room for another."""
    for one in case.candidates:
        alone = replace(case, candidates=(one,))
        act, _, until = alone.judged(judge)[one.touch]
        later, _, until_later = replace(alone, said=(*case.said, more)).judged(judge)[one.touch]
        if act == "leave":
            continue
        assert later != "leave"
        if until is not None and until_later is not None:
            assert until_later >= until
        assert act == "hold" or later == act


def a_hold_is_over_when_it_says_and_not_before(judge: Judge, case: Case, minutes: Sequence[int]) -> None:
    for one in case.candidates:
        one = replace(one, late="send", contact=1)
        alone = replace(case, candidates=(one,))
        act, _, until = alone.judged(judge)[one.touch]
        assert act in ("leave", "hold")
        if until is None:
            continue
        assert until > case.now
        assert replace(alone, now=until).judged(judge)[one.touch][0] == "leave"
        for minute in minutes:
            sooner = case.now + minute * MINUTE
            # A clock that is put back may show quiet hours, others, and quiet hours again within one night.
            if sooner < until and case.voice.quiet_hours in ("", "20:00-08:00", "06:00-05:00"):
                assert replace(alone, now=sooner).judged(judge)[one.touch][0] == "hold"
                assert is_quiet(case.voice, sooner, one.calendar.zone) or is_too_much(case, one, sooner)


def is_too_much(case: Case, one: Candidate, at: datetime) -> bool:
    """Whether cap or cool-down are against an automatic message, counted out."""
    if one.is_approved:
        return False
    counted = [message for message in case.said if message.is_automatic]
    recent = [message for message in counted if message.at > at - case.voice.within]
    near = [m for m in counted if m.enrolment != one.enrolment and m.at > at - case.voice.cool_down]
    return len(recent) >= case.voice.most_messages or bool(near)


STANDING = nothing_leaves_after_an_opt_out_or_an_end
CAPPED = no_stretch_holds_more_than_the_cap_and_enrolments_keep_apart
QUIET = nothing_leaves_in_quiet_hours
LATE = nothing_late_leaves_unless_its_policy_or_somebody_says_so
ORDER = what_comes_behind_changes_nothing_and_waits
MORE = more_said_before_never_lets_more_leave
HOLDS = a_hold_is_over_when_it_says_and_not_before
PROMISES: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    STANDING: (WORLDS,),
    CAPPED: (WORLDS,),
    QUIET: (WORLDS,),
    LATE: (WORLDS,),
    ORDER: (CASES,),
    MORE: (CASES, SEEDS.map(lambda seed: any_said(random.Random(seed)))),
    HOLDS: (CASES, st.lists(st.integers(0, 9 * 24 * 60), max_size=5)),
}


def hold(judge: Judge, promise: Callable[..., None], examples: int = 500, **more: Any) -> None:
    @settings(max_examples=examples, deadline=None, **more)
    @given(st.tuples(*PROMISES[promise]))
    def held(asked: tuple[Any, ...]) -> None:
        promise(judge, *asked)

    held()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_voice_keeps_its_promise(promise: Callable[..., None]) -> None:
    hold(voice_module.judge, promise)


# One place of `voice.py` that reads otherwise, what it then does wrong, and the promise that finds it.
MUTANTS: dict[str, tuple[Callable[..., None], str, str]] = {
    "an opt-out is not heard": (STANDING, "if standing.is_opted_out:", "if standing.is_opted_out and False:"),
    "an opt-out stops only mail": (
        STANDING,
        "if standing.is_opted_out:",
        "if standing.is_opted_out and one.channel != IN_APP:",
    ),
    "the end is not heard": (STANDING, "if standing.is_over:", "if standing.is_over and False:"),
    "a falling account is sold to": (STANDING, "and standing.is_falling:", "and standing.is_falling and False:"),
    "one more than the cap leaves": (
        CAPPED,
        "if len(automatic) >= voice.most_messages:",
        "if len(automatic) > voice.most_messages:",
    ),
    "the cap counts from the oldest": (CAPPED, "automatic[-voice.most_messages]", "automatic[0]"),
    "the stretch ends early": (CAPPED, "+ voice.within, CAP)", "+ voice.within - timedelta(hours=3), CAP)"),
    "what leaves now is not counted": (
        CAPPED,
        'if found.act == "leave" and one.channel != IN_APP:',
        'if found.act == "leave" and one.channel == IN_APP:',
    ),
    "every contact has heard the same": (CAPPED, "heard.setdefault(one.contact, [])", "heard.setdefault(1, [])"),
    "the cool-down counts from the first": (CAPPED, "max(others) + voice.cool_down", "min(others) + voice.cool_down"),
    "there is no cool-down": (CAPPED, "    if others:\n", "    if others and False:\n"),
    "it is never quiet": (QUIET, "until = voice.quiet_until(free_at, one.calendar)", "until = free_at"),
    "quiet hours are those of UTC": (
        QUIET,
        "until = voice.quiet_until(free_at, one.calendar)",
        "until = voice.quiet_until(free_at, Calendar())",
    ),
    "a yes lifts quiet hours": (
        QUIET,
        "return _timed(one, before, voice, now) if one.channel != IN_APP",
        "return _timed(one, before, voice, now) if one.channel != IN_APP and not one.is_approved",
    ),
    "a hold may end in quiet hours": (
        HOLDS,
        'return late or Verdict("hold", because, until)',
        'return late or Verdict("hold", because, free_at)',
    ),
    "a hold is longer than it must be": (HOLDS, "max(others) + voice.cool_down", "max(others) + 2 * voice.cool_down"),
    "the lower priority comes first": (ORDER, "RANKS[one.purpose], -one.priority", "RANKS[one.purpose], one.priority"),
    "the purpose does not count": (ORDER, "return RANKS[one.purpose], -one", "return 0, -one"),
    "what is late is sent": (LATE, 'if one.late == "skip":', 'if one.late == "never":'),
    "nobody is asked about what is late": (LATE, 'if one.late == "ask" and', 'if one.late == "never" and'),
    "being capped lets another one leave": (
        MORE,
        "if len(automatic) >= voice.most_messages:",
        "if len(automatic) == voice.most_messages:",
    ),
}


def mutant(old: str = "", new: str = "") -> Judge:
    """`judge` of a copy of its module in which one place reads otherwise."""
    source = inspect.getsource(voice_module)
    assert not old or source.count(old) == 1, old
    names: dict[str, Any] = {"__name__": voice_module.__name__}
    exec(compile(source.replace(old, new) if old else source, "mutant", "exec"), names)
    found: Judge = names["judge"]
    return found


def hold_quickly(judge: Judge, promise: Callable[..., None], examples: int = 500) -> None:
    hold(judge, promise, examples, database=None, derandomize=True, report_multiple_bugs=False, phases=[Phase.generate])


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_in_the_voice_is_found(fault: str) -> None:
    promise, old, new = MUTANTS[fault]
    with pytest.raises(AssertionError):
        hold_quickly(mutant(old, new), promise)


def test_a_copy_without_a_fault_is_not_refused() -> None:
    for promise in PROMISES:
        hold_quickly(mutant(), promise, examples=20)
