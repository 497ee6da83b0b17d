"""Whether the rules of a package make of a case what it says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepwell.base.errors import nearest
from keepwell.health.held_band import HeldBand, hold_band
from keepwell.health.score import nano
from keepwell.signals.book import SignalBook
from keepwell.signals.case import AS_OF, Case, CaseLook
from keepwell.signals.condition import When
from keepwell.signals.episode import Episode
from keepwell.signals.look import Change, Place, look, with_segments
from keepwell.signals.panel import Panel
from keepwell.signals.truth import NO, UNKNOWN, YES
from keepwell.signals.worth import Standing, Value

ACCOUNT: Final = 1
WORDS: Final[Mapping[int, str]] = {YES: "holds", NO: "does not hold", UNKNOWN: "cannot be said"}

# What the events of a case say as of each moment, by metric.
Told = Mapping[datetime, Mapping[str, float]]


@dataclass(slots=True)
class _Past:
    """What the looks before have left."""

    held: HeldBand | None
    episodes: dict[Place, Episode] = field(default_factory=dict)
    scores: list[tuple[datetime, int]] = field(default_factory=list)


def try_case(book: SignalBook, about: tuple[str, ...], case: Case, told: Told) -> Iterator[str]:
    """A sentence for everything that is not as the case says."""
    # The first condition of a name is what its rule asks for; an alert's end comes after it.
    whens: dict[str, When] = {}
    for _, name, when in book.whens():
        whens.setdefault(name, when)
    past = _Past(HeldBand(case.was, AS_OF - timedelta(days=3650), raw=case.was) if case.was else None)
    for one in case.all_looks():
        panel = _panel(book, case, one, past, told.get(AS_OF - one.ago, {}))
        found = look(book, panel, past.episodes, np.array([one.quiet]))
        at = f"{one.ago} before the end: " if case.looks else ""
        yield from (at + sentence for sentence in _wrong_truths(whens, one, panel))
        if case.looks:
            yield from (at + sentence for sentence in _wrong_changes(about, one, found.changes))
        for place, episode in found.episodes.items():
            past.episodes.pop(place, None)
            if episode is not None:
                past.episodes[place] = episode
        yield from _wrong_worths(book, case, panel)


def _panel(book: SignalBook, case: Case, one: CaseLook, past: _Past, told: Mapping[str, float]) -> Panel:
    bands = tuple(band.id for band in book.model.bands)
    place = {"": -1, **{band: number for number, band in enumerate(bands)}}
    at, points = AS_OF - one.ago, 0 if one.score is None else nano(one.score)
    if one.score is not None:
        past.held = hold_band(past.held, points, book.model, at)
    held = past.held
    panel = Panel(
        as_of=at,
        accounts=np.array([ACCOUNT], dtype=np.int64),
        bands=bands,
        has_score=np.array([one.score is not None]),
        nano_points=np.array([points], dtype=np.int64),
        band=np.array([place[held.band] if held else -1]),
        band_before=np.array([place[held.before] if held else -1]),
        trend=np.array([one.trend], dtype=np.object_),
        metrics={
            name: np.array([np.nan if value is None else value], dtype=np.float64)
            for name, value in {**told, **one.metrics}.items()
        },
        traits=[case.traits],
        peaks={days: _extreme(past, at, days, max) for days in book.score_days()},
        lows={days: _extreme(past, at, days, min) for days in book.score_days()},
        heard={name: np.array([one.source_told / timedelta(days=1)]) for name in book.absences()},
    )
    if one.score is not None:
        past.scores.append((at, points))
    return with_segments(book, panel)


def _extreme(past: _Past, at: datetime, days: int, choose: Callable[[list[int]], int]) -> NDArray[np.float64]:
    scores = [points for when, points in past.scores if at - timedelta(days=days) <= when < at]
    return np.array([choose(scores) if scores else np.nan], dtype=np.float64)


def _wrong_truths(whens: Mapping[str, When], one: CaseLook, panel: Panel) -> Iterator[str]:
    for names, expected in ((one.holds, YES), (one.fails, NO), (one.unsure, UNKNOWN)):
        for name in names:
            if name not in whens:
                yield f"there is no rule '{name}'.{nearest(name, tuple(whens))}"
                continue
            found = int(whens[name].truth(panel)[0])
            if found != expected:
                yield f"expected that '{name}' {WORDS[expected]}, but it {WORDS[found]}.{_numbers(whens[name], panel)}"


def _numbers(when: When, panel: Panel) -> str:
    metrics = [name for part in when.walk() for name in (*part.metric_ids(), *part.metrics())]
    known = [f"{name} = {float(panel.metric(name)[0])!r}" for name in dict.fromkeys(metrics)]
    return f" Found {', '.join(known)}." if known else ""


def _wrong_changes(about: tuple[str, ...], one: CaseLook, changes: list[Change]) -> Iterator[str]:
    watched = {*about, *one.opens, *one.closes}
    for word, wanted, transitions in (("opens", one.opens, ("open",)), ("closes", one.closes, ("close", "supersede"))):
        found = {change.rule for change in changes if change.transition in transitions} & watched
        if found != set(wanted):
            yield f"expected that {_listed(wanted)} {word}, found {_listed(sorted(found))}."


def _wrong_worths(book: SignalBook, case: Case, panel: Panel) -> Iterator[str]:
    metrics = {name: None if np.isnan(values[0]) else float(values[0]) for name, values in panel.metrics.items()}
    account = case.account
    standing = Standing(metrics, account.plan, account.seats, account.mrr, account.currency, book.plans)
    for name, expected in case.worth.items():
        value = book.opportunities[name].worth.value(standing) if name in book.opportunities else None
        if _told(value) != expected:
            yield f"expected that '{name}' is worth '{expected}', found '{_told(value)}'."


def _told(value: Value | None) -> str:
    if value is None:
        return "nothing known"
    return f"{value.amount:.2f} {value.currency} per {value.per}, {value.yearly:.2f} a year"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return " and ".join(names) or "nothing"
