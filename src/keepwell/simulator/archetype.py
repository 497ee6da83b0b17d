"""Hidden health of accounts over time: what the metrics should find out without being told."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keepwell.simulator.stage import Booleans, Floats, Integers

ARCHETYPES = ("growing", "steady", "sliding", "rescued", "churning", "new", "seasonal")
_SHARES = (0.19, 0.37, 0.14, 0.08, 0.06, 0.08, 0.08)
NEVER = 1_000_000
_NAMED = ("growing", "sliding", "churning")


@dataclass(frozen=True, slots=True)
class Fate:
    """Per account: archetype, first and last day as numbers of the calendar (negative is before it), health by day.

    `health` is between 0 and 1 and has a row per account and a column per day.
    """

    archetype: Integers
    starts: Integers
    ends: Integers
    health: Floats

    def is_alive(self) -> Booleans:
        day = np.arange(self.health.shape[1])
        alive: Booleans = (day >= self.starts[:, None]) & (day < self.ends[:, None])
        return alive


def fates(rng: np.random.Generator, accounts: int, days: int) -> Fate:
    """Draw the accounts' fates; the first three are Acme (grows), Borealis (slides) and Cobalt (churns)."""
    archetype = rng.choice(len(ARCHETYPES), size=accounts, p=_SHARES)
    archetype[: len(_NAMED)] = [ARCHETYPES.index(name) for name in _NAMED][:accounts]
    starts = -rng.integers(20, 900, size=accounts)
    ends = np.full(accounts, NEVER)
    health = np.empty((accounts, days))
    for row in range(accounts):
        name = ARCHETYPES[archetype[row]]
        draw = _named_draw(row) if row < len(_NAMED) else rng.random(4)
        health[row] = _CURVES[name](draw, np.arange(days, dtype=np.float64), days)
        if name == "churning":
            ends[row] = _churn_day(draw, days)
        if name == "new":
            starts[row] = _first_day(draw, days)
    health += _drift(rng, accounts, days)
    return Fate(archetype, starts, ends, np.clip(health, 0.02, 1.0))


def _named_draw(row: int) -> Floats:
    """Fixed luck, so that the named accounts look the same in every world."""
    return np.array([[0.6, 0.95, 0.5, 0.5], [0.9, 0.6, 0.2, 0.0], [0.6, 0.26, 0.4, 0.5]][row])


def _drift(rng: np.random.Generator, accounts: int, days: int) -> Floats:
    """Good and bad weeks: noise with a knot every 14 days and straight lines between."""
    knots = rng.normal(0, 0.045, size=(accounts, days // 14 + 2))
    place = np.arange(days) / 14
    left = place.astype(np.int64)
    part = place - left
    return np.asarray(knots[:, left] * (1 - part) + knots[:, left + 1] * part, dtype=np.float64)


def _between(low: float, high: float, luck: float) -> float:
    return low + (high - low) * float(luck)


def _ramp(day: Floats, start: float, length: float) -> Floats:
    """0 before `start`, 1 after `start + length`, smooth between."""
    part = np.clip((day - start) / length, 0.0, 1.0)
    return np.asarray(part * part * (3 - 2 * part), dtype=np.float64)


def _growing(luck: Floats, day: Floats, days: int) -> Floats:
    low, high = _between(0.4, 0.65, luck[0]), _between(0.85, 1.0, luck[1])
    return low + (high - low) * _ramp(day, -0.2 * days, 1.2 * days)


def _steady(luck: Floats, day: Floats, days: int) -> Floats:
    return np.full(len(day), _between(0.4, 0.9, luck[0]))


def _sliding(luck: Floats, day: Floats, days: int) -> Floats:
    high, low = _between(0.6, 0.9, luck[0]), _between(0.1, 0.4, luck[3])
    onset = days - _between(40, 220, luck[1])
    return high - (high - low) * _ramp(day, onset, _between(60, 170, luck[2]))


def _rescued(luck: Floats, day: Floats, days: int) -> Floats:
    high, low = _between(0.7, 0.95, luck[0]), _between(0.15, 0.35, luck[1])
    rescue = days - _between(60, 160, luck[2])
    fall = _ramp(day, rescue - _between(90, 140, luck[3]), 80)
    return high - (high - low) * (fall - _ramp(day, rescue, 55))


def _churn_day(luck: Floats, days: int) -> int:
    return days - round(_between(5, 120, luck[1]))


def _churning(luck: Floats, day: Floats, days: int) -> Floats:
    high = _between(0.5, 0.85, luck[0])
    length = _between(60, 150, luck[2])
    return high - (high - 0.05) * _ramp(day, _churn_day(luck, days) - length, length)


def _first_day(luck: Floats, days: int) -> int:
    return max(1, days - round(_between(20, 150, luck[1])))


def _new(luck: Floats, day: Floats, days: int) -> Floats:
    high = _between(0.45, 0.95, luck[0])
    return high * (0.45 + 0.55 * _ramp(day, _first_day(luck, days), 70))


def _seasonal(luck: Floats, day: Floats, days: int) -> Floats:
    middle, swing = _between(0.55, 0.7, luck[0]), _between(0.2, 0.3, luck[1])
    return np.asarray(middle + swing * np.sin(2 * np.pi * (day / 182.5 + luck[2])), dtype=np.float64)


_CURVES: dict[str, Callable[[Floats, Floats, int], Floats]] = {
    "growing": _growing,
    "steady": _steady,
    "sliding": _sliding,
    "rescued": _rescued,
    "churning": _churning,
    "new": _new,
    "seasonal": _seasonal,
}
