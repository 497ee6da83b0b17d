"""One look at many accounts: noise and quiet looks open nothing, a worse alert takes the milder one's place."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.health.held_band import HeldBand, hold_band
from keepwell.health.load import load_package
from keepwell.health.package import PackageText
from keepwell.health.score import nano
from keepwell.signals.book import SignalBook
from keepwell.signals.episode import Episode
from keepwell.signals.load import load_signals
from keepwell.signals.look import Change, Place, look, with_segments
from tests.packages.shipped import text_of
from tests.unit.signals.panels import AS_OF, One, panel

HOUR = timedelta(hours=1)
SAAS = text_of("saas")
PACKAGE = load_package(SAAS, {})
MODEL = PACKAGE.models["saas"]
SHIPPED = load_signals(SAAS, PACKAGE)


def book(alerts: str) -> SignalBook:
    """Rules of alerts on the package `saas`, and nothing else."""
    return load_signals(PackageText("", {"alerts.yaml": alerts}), PACKAGE)


def watched(
    rules: SignalBook, hours: Sequence[Sequence[One]], *, quiet: Sequence[bool] = ()
) -> list[tuple[int, Change]]:
    """A look an hour, each with what is known then of each account; every change with its hour."""
    episodes: dict[Place, Episode] = {}
    found: list[tuple[int, Change]] = []
    for hour, ones in enumerate(hours):
        at = with_segments(rules, panel(*ones, as_of=AS_OF + hour * HOUR))
        seen = look(rules, at, episodes, np.array(quiet or [False] * len(ones)))
        found += [(hour, change) for change in seen.changes]
        for place, episode in seen.episodes.items():
            episodes.pop(place, None)
            if episode is not None:
                episodes[place] = episode
    return found


def words(found: Sequence[tuple[int, Change]]) -> list[tuple[int, str, str]]:
    return [(hour, change.rule, change.transition) for hour, change in found]


ACT = """\
alerts:
  low: {title: Low, severity: medium, when: {score: {below: 40}}}
  lowest: {title: Lowest, severity: high, when: {score: {below: 20}}, supersedes: [low]}
"""


def scores(*points: int | None) -> list[list[One]]:
    return [[One(None if one is None else Decimal(one))] for one in points]


def test_a_worse_alert_closes_the_milder_one_which_does_not_open_beside_it() -> None:
    assert words(watched(book(ACT), scores(50, 30, 10, 30, 50, 30))) == [
        (1, "low", "open"),
        (2, "lowest", "open"),
        (2, "low", "supersede"),
        (3, "lowest", "close"),
        (5, "low", "open"),
    ]


def test_what_opens_together_is_told_by_the_worse_one_only() -> None:
    assert words(watched(book(ACT), scores(50, 10))) == [(1, "lowest", "open")]


def test_an_account_of_which_nothing_is_known_keeps_what_it_has() -> None:
    assert words(watched(book(ACT), scores(30, None, None, 50))) == [(0, "low", "open"), (3, "low", "close")]


def test_an_end_comes_at_once_however_long_the_rule_takes_to_clear() -> None:
    rules = book(
        "policies: {slow: {clear: 5d}}\n"
        "alerts:\n"
        "  low: {title: Low, severity: low, policy: slow, when: {score: {below: 40}}, until: {score: {at_least: 60}}}\n"
    )
    assert words(watched(rules, scores(30, 50, 59, 60))) == [(0, "low", "open"), (3, "low", "close")]
    assert words(watched(rules, scores(30, 50, 59, 30, 59))) == [(0, "low", "open")]


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8))
def test_a_quiet_look_opens_nothing_at_anybody(points: list[int]) -> None:
    ones = [One(Decimal(one), "critical", before="thriving") for one in points]
    assert watched(SHIPPED, [ones], quiet=[True] * len(ones)) == []


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30))
def test_each_account_is_judged_as_if_it_were_alone(points: list[int]) -> None:
    both = watched(book(ACT), [[One(Decimal(one)), One(Decimal(60 - one))] for one in points])
    alone = watched(book(ACT), [[One(Decimal(one))] for one in points])
    assert words([(hour, change) for hour, change in both if change.account == 1]) == words(alone)


# Scores of one hour after the other that never leave the margin of the band's edge, nor stay past it for a day.
swings = st.lists(st.tuples(st.integers(0, 1_999), st.integers(0, 1_999)), min_size=1, max_size=40)


@pytest.mark.requirement("X03")
@given(swings, st.sampled_from(["high_risk", "at_risk", "healthy", "thriving"]))
def test_noise_below_the_hysteresis_opens_nothing(swings: list[tuple[int, int]], band: str) -> None:
    edge = {one.id: one.lo for one in MODEL.bands}[band]
    below = -1 if band != "high_risk" else 0  # A fall into critical counts at once, without a margin.
    points = [edge + Decimal(number) / 1000 for up, down in swings for number in (up, below * down)]
    now = HeldBand(band, AS_OF - timedelta(days=30), raw=band)
    hours: list[Mapping[str, One]] = []
    for hour, one in enumerate(points):
        now = hold_band(now, nano(one), MODEL, AS_OF + hour * HOUR)
        hours.append({"": One(one, now.band, before=now.before)})
    assert now.band == band
    assert watched(SHIPPED, [list(one.values()) for one in hours]) == []
