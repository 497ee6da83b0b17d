"""Whether a playbook makes of a case what it says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from keepwell.base.business_time import Calendar
from keepwell.base.errors import nearest
from keepwell.base.wall_time import instant_of, local_time
from keepwell.health.health_model import HealthModel
from keepwell.health.held_band import HeldBand, hold_band
from keepwell.health.score import nano
from keepwell.playbooks.advance import advance
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.case import FORM, CaseEvent, Happening, PlaybookCase
from keepwell.playbooks.decision import Decision, Finish
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import ROW, Facts
from keepwell.playbooks.playbook import Playbook
from keepwell.signals.conditions.event import EventHappened
from keepwell.signals.limit import meets
from keepwell.signals.look import with_segments
from keepwell.signals.milestone import unwise_reasons
from keepwell.signals.panel import Known, Panel
from keepwell.signals.truth import YES

ACCOUNT: Final = 1


@dataclass(slots=True)
class _World:
    """What is known of the account as its case goes on."""

    model: HealthModel
    metrics: dict[str, float | None]
    traits: Mapping[str, Known]
    # What playbooks and segments ask of events.
    asked: Sequence[EventHappened] = ()
    score_days: Sequence[int] = ()
    trend: str = ""
    scores: list[tuple[datetime, int]] = field(default_factory=list)
    events: list[tuple[datetime, CaseEvent]] = field(default_factory=list)
    nano_points: int | None = None
    held: HeldBand | None = None
    replied_at: datetime | None = None
    is_churned: bool = False
    is_opted_out: bool = False
    is_signal_open: bool | None = True
    is_falling: bool = False

    def take(self, happening: Happening, at: datetime) -> None:
        if happening.score is not None:
            self.score(nano(happening.score), at)
        self.trend = self.trend if happening.trend is None else happening.trend
        self.metrics.update(happening.metrics)
        self.events += [(at, event) for event in happening.events]
        if happening.replied:
            self.replied_at = self.replied_at or at
        self.is_churned = self.is_churned if happening.churned is None else happening.churned
        self.is_opted_out = self.is_opted_out if happening.opted_out is None else happening.opted_out
        self.is_signal_open = self.is_signal_open if happening.signal_open is None else happening.signal_open
        self.is_falling = self.is_falling if happening.falling is None else happening.falling

    def score(self, nano_points: int, at: datetime) -> None:
        self.nano_points = nano_points
        self.scores.append((at, nano_points))
        self.held = hold_band(self.held, nano_points, self.model, at)

    def facts(self, book: PlaybookBook, playbook: Playbook, at: datetime) -> Facts:
        panel = with_segments(book.signals, self._panel(at))
        return Facts(
            panel=panel,
            replied_at=self.replied_at,
            is_churned=self.is_churned,
            is_opted_out=self.is_opted_out,
            is_signal_open=self.is_signal_open,
            is_unwise=playbook.celebrates
            and (self.is_falling or bool(unwise_reasons(book.signals.unwise, panel, [ROW])[ROW])),
        )

    def _panel(self, at: datetime) -> Panel:
        bands = tuple(band.id for band in self.model.bands)
        place = {"": -1, **{band: number for number, band in enumerate(bands)}}
        held = self.held
        return Panel(
            as_of=at,
            accounts=np.array([ACCOUNT], dtype=np.int64),
            bands=bands,
            has_score=np.array([self.nano_points is not None]),
            nano_points=np.array([self.nano_points or 0], dtype=np.int64),
            band=np.array([place[held.band] if held else -1]),
            band_before=np.array([place[held.before] if held else -1]),
            trend=np.array([self.trend], dtype=np.object_),
            peaks={days: np.array([max(self._scores(at, days), default=np.nan)]) for days in self.score_days},
            lows={days: np.array([min(self._scores(at, days), default=np.nan)]) for days in self.score_days},
            metrics={
                name: np.array([np.nan if value is None else value], dtype=np.float64)
                for name, value in {**self.metrics, **self._ages(at)}.items()
            },
            traits=[self.traits],
        )

    def _scores(self, as_of: datetime, days: int) -> list[float]:
        """Those of the last days; each lasts until the next."""
        ends = [at for at, _ in self.scores[1:]] + [as_of]
        since = as_of - timedelta(days=days)
        return [float(score) for (_, score), end in zip(self.scores, ends, strict=False) if end > since]

    def _ages(self, as_of: datetime) -> dict[str, float]:
        """How many days ago what is asked of events happened last."""
        return {
            wanted.id: (as_of - at) / timedelta(days=1)
            for wanted in self.asked
            for at, event in self.events
            if _fits(wanted, event)
        }


def _fits(wanted: EventHappened, event: CaseEvent) -> bool:
    told = event.properties()
    is_asked = event.event in wanted.events
    return is_asked and all(meets(value, told.get(name)) == YES for name, value in wanted.where.items())


@dataclass(slots=True)
class _Story:
    """What came of a case."""

    enrolment: Enrolment
    decisions: list[tuple[datetime, Decision]] = field(default_factory=list)


def try_playbook_case(book: PlaybookBook, playbook: str, case: PlaybookCase) -> Iterator[str]:
    """A sentence for everything that is not as the case says."""
    if playbook not in book.playbooks:
        yield f"there is no playbook '{playbook}'.{nearest(playbook, tuple(book.playbooks))}"
        return
    try:
        contact = Calendar(zone=case.zone, country=case.country)
        team = Calendar(zone=case.team_zone or case.zone)
    except ValueError as found:
        yield f"expected {found}" if str(found).endswith("?") else f"expected {found}."
        return
    story = _played(book, playbook, case, contact, team)
    yield from _wrong(case, story, contact)


def _played(book: PlaybookBook, playbook: str, case: PlaybookCase, contact: Calendar, team: Calendar) -> _Story:
    started_at = instant_of(case.starts, contact.place)
    asking = book.asking()
    asked = tuple(asking.happenings().values())
    world = _World(
        book.signals.model,
        dict(case.metrics),
        case.traits,
        asked,
        score_days=asking.score_days(),
        trend=case.trend,
        is_falling=case.falling,
    )
    if case.score is not None:
        world.score(nano(case.score), started_at)
    story = _Story(
        Enrolment(
            playbook=playbook,
            version=1,
            account=str(ACCOUNT),
            started_at=started_at,
            arm=case.arm,
            contact_calendar=contact,
            team_calendar=team,
            nano_points_at_start=world.nano_points,
            band_at_start=world.held.band if world.held else "",
        )
    )
    waiting = sorted(case.then, key=lambda one: one.after)
    now: datetime | None = started_at
    while now is not None and not story.enrolment.is_finished:
        while waiting and started_at + waiting[0].after <= now:
            world.take(waiting[0], started_at + waiting[0].after)
            waiting.pop(0)
        plan = book.playbooks[playbook]
        found = advance(plan, story.enrolment, world.facts(book, plan, now), now)
        story.enrolment = found.enrolment
        story.decisions += [(now, decision) for decision in found.decisions]
        moments = [*([found.due_at] if found.due_at else []), *(started_at + one.after for one in waiting[:1])]
        now = _awake(min(moments), started_at, case) if moments else None
    return story


def _awake(at: datetime, started_at: datetime, case: PlaybookCase) -> datetime:
    """The moment itself, or the end of the time in which nobody looks."""
    if case.asleep is None:
        return at
    begin, end = (started_at + length for length in case.asleep)
    return end if begin <= at < end else at


def _wrong(case: PlaybookCase, story: _Story, contact: Calendar) -> Iterator[str]:
    def told(at: datetime) -> str:
        return local_time(at, contact.place).strftime(FORM)

    # A step may decide several things.
    decided = [f"{told(at)} {one.origin.step}" for at, one in story.decisions if not isinstance(one, Finish)]
    done = list(dict.fromkeys(decided))
    wanted = [f"{one.at.strftime(FORM)} {one.step}" for one in case.steps]
    if done != wanted:
        lacking = [one for one in wanted if one not in done]
        beyond = [one for one in done if one not in wanted]
        if lacking:
            yield f"did not come: {', '.join(lacking)}."
        if beyond:
            yield f"was not expected: {', '.join(beyond)}."
        if not (lacking or beyond):
            yield f"came in another order: {', '.join(done)}."
    for step, because in case.skipped.items():
        settled = story.enrolment.settled.get(step)
        found = settled.because or settled.status if settled else "still to come"
        if found != because:
            yield f"expected that '{step}' is skipped for {because}, found {found}."
    if case.ends is not None:
        wanted_end = f"{case.ends.at.strftime(FORM)} {case.ends.because}"
        at = story.enrolment.finished_at
        found_end = f"{told(at)} {story.enrolment.finished_because}" if at is not None else "no end"
        if found_end != wanted_end:
            yield f"expected the end {wanted_end}, found {found_end}."
