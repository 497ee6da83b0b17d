"""make fuzz: all targets within FUZZ_MINUTES, a table of what ran, and status 1 if anything new was found.

Readers under atheris get half of the time; readers with large inputs, the API and the door share the rest.
"""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
django.setup()

from tests.fuzz.readers import READERS  # noqa: E402  # after Django
from tests.fuzz.seeds import content, keep, kept, seeds, words  # noqa: E402
from tests.fuzz.served import BUILD  # noqa: E402

LONGEST_INPUT: Final = 4096
# A single input, in seconds; what takes more than two is a finding of the reader itself.
TIMEOUT_S: Final = 60
_RUNS: Final = re.compile(r"(?:stat::number_of_executed_units:|^executions) +(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target; `findings` are lines for people."""

    target: str
    executions: int
    findings: list[str]


def main() -> None:
    seconds = float(os.environ.get("FUZZ_MINUTES", "60")) * 60
    seed = int(os.environ.get("FUZZ_SEED", "1"))
    outcomes = [coverage_guided(target, seconds / 2 / len(READERS), seed) for target in READERS]
    outcomes += [other(name, seconds / 6, seed) for name in ("growth", "api", "door")]
    print(f"\n{'target':<20}{'executions':>12}{'new findings':>14}")
    for outcome in outcomes:
        print(f"{outcome.target:<20}{outcome.executions:>12,}{len(outcome.findings):>14}")
    found = [f"{outcome.target}: {line}" for outcome in outcomes for line in outcome.findings]
    print("\n".join(["", *found]) if found else "\nNothing new was found.")
    sys.exit(1 if found else 0)


def coverage_guided(target: str, seconds: float, seed: int) -> Outcome:
    """What it learns stays in build/fuzz, so that the next run goes on from there."""
    corpus = BUILD / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    inputs = [*seeds(target), *(content(case) for case in kept(target))]
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "seeds"
        first.mkdir()
        for number, data in enumerate(inputs):
            (first / str(number)).write_bytes(data)
        told = Path(folder) / "words"
        told.write_text("".join(f"{_literal(word)}\n" for word in sorted(words(inputs))), encoding="utf-8")
        out = Path(folder) / "found-"
        command = [
            sys.executable, "-m", "tests.fuzz.coverage_guided", target, str(corpus), str(first),
            f"-max_total_time={max(1, round(seconds))}", f"-dict={told}", f"-max_len={LONGEST_INPUT}", f"-seed={seed}",
            f"-timeout={TIMEOUT_S}", f"-artifact_prefix={out}", "-print_final_stats=1", "-rss_limit_mb=2048",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        found = [
            f"{_why(done.stdout + done.stderr)} -> {keep(target, path.read_bytes())}" for path in _found(Path(folder))
        ]
    if done.returncode and not found:
        found = [f"ended with status {done.returncode}: {done.stderr.strip()[-300:]}"]
    return _told(target, done.stdout + done.stderr, found)


def other(name: str, seconds: float, seed: int) -> Outcome:
    command = [sys.executable, "-m", f"tests.fuzz.{name}", "--seconds", str(seconds), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found = [line.removeprefix("finding ") for line in done.stdout.splitlines() if line.startswith("finding ")]
    if done.returncode and not found:
        found = [f"ended with status {done.returncode}: {done.stderr.strip()[-300:]}"]
    return _told(name, done.stdout, found)


def _told(target: str, output: str, found: list[str]) -> Outcome:
    runs = _RUNS.findall(output)
    outcome = Outcome(target, int(runs[-1]) if runs else 0, found)
    print(f"{target}: {outcome.executions:,} executions, {len(found)} new findings", flush=True)
    return outcome


def _found(folder: Path) -> list[Path]:
    return sorted(folder.glob("found-*"))


def _why(output: str) -> str:
    """The last line of the first traceback."""
    lines = [line for line in output.splitlines() if re.match(r"[A-Za-z_.]*(Error|Exception|ERROR)\b", line.strip())]
    return lines[0].strip()[:200] if lines else "broken promise"


def _literal(word: bytes) -> str:
    """A word as libFuzzer's dictionaries spell it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'


if __name__ == "__main__":
    main()
