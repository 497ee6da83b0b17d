"""Measures the speed figures on this machine and writes them to docs/figures.md.

python bench/run.py                        everything, five rounds
python bench/run.py --rounds 2 --dry-run   a quick look that writes nothing

Everything runs on the same files. What is compared runs in turn within a round; a ratio is the median of the ratios
of the rounds. CPU seconds stand beside the elapsed time because other work on the machine moves them less.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

import duckdb
import numpy as np
from figures import heading, table, write_section
from saas import model, model_metrics
from world import ACCOUNTS, CODES, EVENTS, SEED, START, world
from world import END as NOW

from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.health.explain import ranked_losses, ranked_wins
from keepwell.health.score import score
from keepwell.lake import duck
from keepwell.lake.duckdb_engine import DuckEngine
from keepwell.lake.engine import Question

HERE: Final = Path(__file__).parent
DATES: Final = 30
TOUCHED: Final = 100
TOUCHED_SETS: Final = 5
MEMORY_LIMIT_GB: Final = 4.0
DAILY: Final = [Moment.at(NOW - timedelta(days=day)) for day in range(DATES)]
SPREAD: Final = [Moment.at(NOW - timedelta(days=3 * day)) for day in range(DATES)]

Pair = tuple[float, float]


@dataclass(slots=True)
class Clock:
    """Elapsed and CPU seconds of a piece of work, a pair per round."""

    rounds: list[Pair] = field(default_factory=list)

    def run(self, work: Callable[[], object]) -> None:
        cpu, elapsed = time.process_time(), time.perf_counter()
        work()
        self.rounds.append((time.perf_counter() - elapsed, time.process_time() - cpu))

    def middle(self, times: int = 1) -> Pair:
        """Medians; of each of `times` that a round did."""
        return median(pair[0] for pair in self.rounds) / times, median(pair[1] for pair in self.rounds) / times

    def over(self, other: "Clock", times: int = 1) -> Pair:
        """Median ratios to the same rounds of another."""
        pairs = list(zip(self.rounds, other.rounds, strict=False))
        elapsed, cpu = (median(mine[way] / theirs[way] for mine, theirs in pairs) / times for way in (0, 1))
        return elapsed, cpu


class Bench:
    """The engine, the questions and the hand-written query over the one log."""

    def __init__(self) -> None:
        self.log = world()
        self.engine = DuckEngine()
        self.metrics = model_metrics()
        self.hand = self._hand_written()
        random = np.random.default_rng(SEED)
        self.sets = [(random.choice(ACCOUNTS, TOUCHED, replace=False) + 1).tolist() for _ in range(TOUCHED_SETS)]
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        self.database.execute("SET parquet_metadata_cache = true")

    def full(self, moments: list[Moment] | None = None, accounts: list[int] | None = None) -> list[Values]:
        return self.engine.values(self.log, Question(self.metrics, CODES, moments or DAILY[:1], accounts))

    def by_hand(self) -> object:
        return self.database.sql(self.hand).to_arrow_table()

    def touched(self) -> None:
        for accounts in self.sets:
            self.full(accounts=accounts)

    def explained(self, values: Values) -> None:
        scores = score(values, model())
        told = zip(ranked_losses(scores).told(), ranked_wins(scores).told(), strict=True)
        assert sum(1 for _ in told) == len(values.accounts)

    def check(self) -> None:
        """Equal values: by hand to 1e-9; in one query of many dates, for some accounts and for one, to the bit."""
        full = self.full()[0]
        rows = self.database.sql(f"FROM ({self.hand}) ORDER BY account").to_arrow_table()
        assert rows["account"].to_pylist() == full.accounts.tolist()
        for place, metric in enumerate(full.metrics):
            by_hand = rows[metric].cast("float64").to_numpy(zero_copy_only=False)
            np.testing.assert_allclose(full.matrix[:, place], by_hand, rtol=1e-9, atol=1e-9, err_msg=metric)
        some = np.sort(np.random.default_rng(SEED).choice(ACCOUNTS, TOUCHED, replace=False))
        assert self.full(accounts=(some + 1).tolist())[0].matrix.tobytes() == full.matrix[some].tobytes()
        for row in some[:5].tolist():
            assert self.full(accounts=[row + 1])[0].matrix.tobytes() == full.matrix[row : row + 1].tobytes()
        assert self.full(SPREAD[:2])[0].matrix.tobytes() == full.matrix.tobytes()

    def _hand_written(self) -> str:
        text = (HERE / "hand_written.sql").read_text(encoding="utf-8")
        minimum = str(self.metrics["usage_trend_30_days"].model_dump()["minimum"])
        files = duck.files(self.log.snapshot().paths)
        return text.replace("$files", files).replace("$now", duck.instant(NOW)).replace("$minimum", minimum)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table; seconds and ratios are by elapsed and by CPU time."""

    what: str
    seconds: Pair
    ratios: Pair | None = None
    limit: float | None = None
    memory: float | None = None

    def cells(self) -> list[str]:
        ratio = "" if self.ratios is None else f"{_short(self.ratios[0])} ({_short(self.ratios[1])})"
        limit = "" if self.limit is None else f"< {_short(self.limit)}"
        memory = "" if self.memory is None else f"{self.memory:.2f}"
        return [self.what, f"{self.seconds[0]:.2f}", f"{self.seconds[1]:.2f}", ratio, limit, memory, self._verdict()]

    def _verdict(self) -> str:
        if self.memory is not None and self.memory >= MEMORY_LIMIT_GB:
            return "NO"
        if self.ratios is None or self.limit is None:
            return ""
        return "yes" if self.ratios[0] < self.limit else "NO"


def measure(rounds: int, backtest_rounds: int) -> list[Line]:
    bench = Bench()
    bench.check()
    values = bench.full()[0]
    clocks = {name: Clock() for name in ("full", "hand", "touched", "explain", "daily", "spread")}
    for number in range(rounds):
        clocks["full"].run(bench.full)
        clocks["hand"].run(bench.by_hand)
        clocks["touched"].run(bench.touched)
        clocks["explain"].run(lambda: bench.explained(values))
        if number < backtest_rounds:
            clocks["daily"].run(lambda: bench.full(DAILY))
            clocks["spread"].run(lambda: bench.full(SPREAD))
    return _lines(clocks, {name: _peak(name) for name in ("full", "daily", "spread")})


def _lines(clocks: Mapping[str, Clock], memory: Mapping[str, float]) -> list[Line]:
    full, hand, touched = clocks["full"], clocks["hand"], clocks["touched"]
    return [
        Line("17 metrics by hand, all accounts", hand.middle()),
        Line("17 metrics by the engine, all accounts", full.middle(), full.over(hand), 1.5, memory["full"]),
        Line(f"for {TOUCHED} accounts", touched.middle(TOUCHED_SETS), touched.over(full, TOUCHED_SETS), 1 / 20),
        *(
            Line(f"back-test of {what}", clocks[name].middle(), clocks[name].over(full), 15, memory[name])
            for name, what in (("daily", "the last 30 days"), ("spread", "30 dates over 90 days"))
        ),
        Line("score and reasons, all accounts", clocks["explain"].middle(), clocks["explain"].over(full), 1 / 4),
    ]


def _peak(name: str) -> float:
    """Most memory, in GB, of a process that does nothing else."""
    out = subprocess.run([sys.executable, __file__, "--peak", name], check=True, capture_output=True, text=True)
    return float(out.stdout)


def _alone(name: str) -> None:
    Bench().full({"full": DAILY[:1], "daily": DAILY, "spread": SPREAD}[name])
    print(_most_memory() / 2**30)


def _most_memory() -> int:
    """Bytes. Linux hands the parent's mark to the child's `ru_maxrss`, so there the kernel is asked by file."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def report(lines: list[Line], rounds: int, backtest_rounds: int, on: str) -> str:
    head = ["what", "s", "CPU s", "ratio (by CPU)", "wanted", "most memory, GB", "held"]
    cells = table([head, *(line.cells() for line in lines)])
    return (
        f"{heading('scores', on)} DuckDB {duckdb.__version__}. {EVENTS:,} events, {ACCOUNTS:,} accounts, 90 days from "
        f"{START:%Y-%m-%d}; {rounds} rounds, {backtest_rounds} of the back-tests. The ratio of the engine is to the "
        f"query by hand, the others are to the engine's full run.\n\n{cells}\n"
    )


def _short(number: float) -> str:
    return f"{number:.2f}" if number >= 0.1 else f"{number:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--backtest-rounds", type=int, help="at least 1; fewer rounds of the back-tests, which take longest"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    parser.add_argument("--on", default=time.strftime("%Y-%m-%d"), help="date of the section")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.peak:
        _alone(told.peak)
        return
    backtest_rounds = told.rounds if told.backtest_rounds is None else told.backtest_rounds
    section = report(measure(told.rounds, backtest_rounds), told.rounds, backtest_rounds, told.on)
    print(section)
    if not told.dry_run:
        write_section(section)


if __name__ == "__main__":
    main()
