"""How many alerts noise makes, and whether true falls are told, by the shipped rules and policies of `saas`.

python bench/flapping.py             the table, written to docs/figures.md
python bench/flapping.py --dry-run   the table only

1,000 accounts for 90 days with a score each hour: 100 fall once by 30 points and stay there, 300 sit within 2 points of
an edge of a band, 600 are calm. The noise has a standard deviation of 2 points and a memory of 0.9 an hour.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from figures import heading, table, write_section
from numpy.typing import NDArray
from saas import signals

from keepwell.health.held_band import HeldBand, hold_band
from keepwell.health.weight import NANO
from keepwell.signals.book import Noun, SignalBook
from keepwell.signals.episode import Episode
from keepwell.signals.look import Place, look
from keepwell.signals.panel import Panel
from keepwell.signals.policy import Policy

SEED: Final = 20260220
HOURS: Final = 90 * 24
FALLS, NEAR, CALM = 100, 300, 600
ACCOUNTS: Final = FALLS + NEAR + CALM
FALL: Final = 30.0
NOISE: Final = 2.0
MEMORY: Final = 0.9
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
ENTERED: Final = ("critical_health_drop", "entered_high_risk", "entered_at_risk")
RULES: Final = (*ENTERED, "sharp_score_drop")
# What the shipped rules must hold to.
MOST_ALERTS: Final = 500
MOST_AN_ACCOUNT: Final = 4
LEAST_NAIVE: Final = 40_000


@dataclass(frozen=True, slots=True)
class World:
    """`nano_points` by hour and account; `fell_at` is the hour of each true fall, of the first accounts."""

    nano_points: NDArray[np.int64]
    fell_at: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Told:
    """What one way of telling gave: alerts by account, and the hours until each true fall was told, NaN if never."""

    what: str
    alerts: int
    most: int
    strange: int
    delays: NDArray[np.float64]

    def cells(self) -> list[str]:
        found = int(np.isfinite(self.delays).sum())
        slowest = f"{float(np.nanmax(self.delays)):.0f} h" if found else ""
        return [self.what, f"{self.alerts:,}", str(self.most), f"{self.strange:,}", f"{found}/{FALLS}", slowest]


def shipped() -> SignalBook:
    """The shipped rules about the health score, with their policies."""
    return only(signals(), RULES)


def only(book: SignalBook, names: Sequence[str]) -> SignalBook:
    alerts = {
        name: rule.model_copy(update={"supersedes": tuple(one for one in rule.supersedes if one in names)})
        for name, rule in book.alerts.items()
        if name in names
    }
    return replace(book, segments={}, opportunities={}, blocked={}, milestones={}, unwise={}, alerts=alerts)


def world(book: SignalBook) -> World:
    random = np.random.default_rng(SEED)
    edges = np.array([float(band.lo) for band in book.model.bands[1:]])
    middles = np.array([10.0, 30.0, 50.0, 70.0, 90.0])
    base = np.concatenate(
        [
            random.uniform(50, 95, FALLS),
            random.choice(edges, NEAR) + random.uniform(-2, 2, NEAR),
            random.choice(middles, CALM),
        ]
    )
    noise = np.zeros((HOURS, ACCOUNTS))
    noise[0] = random.normal(0, NOISE, ACCOUNTS)
    fresh = random.normal(0, NOISE * np.sqrt(1 - MEMORY**2), (HOURS, ACCOUNTS))
    for hour in range(1, HOURS):
        noise[hour] = MEMORY * noise[hour - 1] + fresh[hour]
    scores = base + noise
    fell_at = random.integers(20 * 24, 80 * 24, FALLS)
    for account, hour in enumerate(fell_at.tolist()):
        scores[hour:, account] -= FALL
    return World(np.rint(np.clip(scores, 0, 100) * NANO).astype(np.int64), fell_at)


def naive(book: SignalBook, made: World) -> Told:
    """Each step down of the band that the score lies in is an alert."""
    edges = np.array([int(band.lo * NANO) for band in book.model.bands[1:]])
    bands = np.searchsorted(edges, made.nano_points, side="right")
    hours, accounts = np.nonzero(bands[1:] < bands[:-1])
    alerts = list(zip(accounts.tolist(), (hours + 1).tolist(), strict=True))
    return counted("each step down of the band is an alert", made, alerts)


def held(book: SignalBook, made: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The band that each account is held in, and the one it left, by hour; by the real hysteresis."""
    places = {"": -1, **{band.id: number for number, band in enumerate(book.model.bands)}}
    band = np.zeros((HOURS, ACCOUNTS), dtype=np.int64)
    before = np.zeros((HOURS, ACCOUNTS), dtype=np.int64)
    for account in range(ACCOUNTS):
        now: HeldBand | None = None
        for hour, points in enumerate(made.nano_points[:, account].tolist()):
            now = hold_band(now, points, book.model, START + hour * HOUR)
            band[hour, account], before[hour, account] = places[now.band], places[now.before]
    return band, before


def run(what: str, book: SignalBook, made: World, bands: tuple[NDArray[np.int64], NDArray[np.int64]]) -> Told:
    """Every hour one look of the real rules at all accounts."""
    episodes: dict[Place, Episode] = {}
    alerts: list[tuple[int, int]] = []
    peaks = {days: highest(made.nano_points, days * 24) for days in book.score_days()}
    quiet = np.zeros(ACCOUNTS, dtype=np.bool_)
    for hour in range(HOURS):
        panel = Panel(
            as_of=START + hour * HOUR,
            accounts=np.arange(ACCOUNTS, dtype=np.int64),
            bands=tuple(band.id for band in book.model.bands),
            has_score=~quiet,
            nano_points=made.nano_points[hour],
            band=bands[0][hour],
            band_before=bands[1][hour],
            trend=np.full(ACCOUNTS, "", dtype=np.object_),
            metrics={},
            peaks={days: peak[hour] for days, peak in peaks.items()},
        )
        found = look(book, panel, episodes, quiet)
        alerts += [(change.account, hour) for change in found.changes if change.transition == "open"]
        for place, episode in found.episodes.items():
            if episode is None:
                episodes.pop(place, None)
            else:
                episodes[place] = episode
    return counted(what, made, alerts)


def highest(nano_points: NDArray[np.int64], hours: int) -> NDArray[np.float64]:
    """The highest score of the hours before each hour, NaN before there is one."""
    found = np.full(nano_points.shape, np.nan)
    for back in range(1, hours + 1):
        found[back:] = np.fmax(found[back:], nano_points[:-back])
    return found


def counted(what: str, made: World, alerts: Sequence[tuple[int, int]]) -> Told:
    """`strange` are the alerts that no true fall within the day before explains."""
    most = max(Counter(account for account, _ in alerts).values(), default=0)
    delays = np.full(FALLS, np.nan)
    explained = 0
    for account, hour in alerts:
        if account < FALLS and 0 <= hour - made.fell_at[account] <= 24:
            explained += 1
            delays[account] = np.fmin(delays[account], hour - made.fell_at[account])
    return Told(what, len(alerts), most, len(alerts) - explained, delays)


def steps(book: SignalBook) -> Mapping[str, SignalBook]:
    """The parts of the policies switched on in turn, then the rules as they are shipped."""
    entered = only(book, ENTERED)
    plain = {name: rule.model_copy(update={"supersedes": ()}) for name, rule in entered.alerts.items()}

    def under(**parts: timedelta) -> SignalBook:
        policies: dict[tuple[Noun, str], Policy] = {key: Policy(**parts) for key in book.policies}
        return replace(entered, alerts=plain, policies=policies)

    return {
        "bands held by the hysteresis": under(),
        "+ dwell 6 h": under(dwell=timedelta(hours=6)),
        "+ over after 14 days": under(dwell=timedelta(hours=6), clear=timedelta(days=14)),
        "+ cool-down 7 days": under(dwell=timedelta(hours=6), clear=timedelta(days=14), cool_down=timedelta(days=7)),
        "as shipped: + fast path, falls of 25 points, critical at once": book,
    }


def wrong(found: Sequence[Told]) -> list[str]:
    """What the shipped rules do not hold to."""
    first, last = found[0], found[-1]
    wanted = {
        f"naively more than {LEAST_NAIVE:,} alerts": first.alerts > LEAST_NAIVE,
        f"at most {MOST_ALERTS} alerts": last.alerts <= MOST_ALERTS,
        f"at most {MOST_AN_ACCOUNT} for one account": last.most <= MOST_AN_ACCOUNT,
        "every true fall within the hour": bool(np.all(last.delays <= 1)),
    }
    return [sentence for sentence, holds in wanted.items() if not holds]


def measure() -> list[Told]:
    book = shipped()
    made = world(book)
    bands = held(book, made)
    return [naive(book, made), *(run(what, one, made, bands) for what, one in steps(book).items())]


def report(found: Sequence[Told], on: str) -> str:
    head = ["what is told", "alerts", "most for one account", "not from a true fall", "true falls told", "slowest"]
    failed = wrong(found)
    verdict = f"NOT HELD: {'; '.join(failed)}." if failed else "Held."
    return (
        f"{heading('alerts from noise', on)} {ACCOUNTS:,} accounts, hourly scores, 90 days: {FALLS} fall once by "
        f"{FALL:.0f} points, {NEAR} sit within 2 points of an edge, {CALM} are calm; noise of {NOISE:.0f} points with "
        f"a memory of {MEMORY}. Wanted of the shipped rules: at most {MOST_ALERTS} alerts where each step down gives "
        f"more than {LEAST_NAIVE:,}, at most {MOST_AN_ACCOUNT} for one account, each true fall within 1 h. "
        f"{verdict}\n\n"
        f"{table([head, *(one.cells() for one in found)])}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    parser.add_argument("--on", default=time.strftime("%Y-%m-%d"), help="date of the section")
    told = parser.parse_args()
    found = measure()
    section = report(found, told.on)
    print(section)
    if not told.dry_run:
        write_section(section)
    if wrong(found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
