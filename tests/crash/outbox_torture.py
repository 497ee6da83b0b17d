"""make torture: kill those who deliver messages a thousand times, then show that the harness sees four wrong designs.

python -m tests.crash.outbox_torture --kills 1000 --messages 10000
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import astuple
from pathlib import Path
from typing import Final

from bench.figures import heading, table, write_section
from tests.channels.peers import served
from tests.crash.outbox_harness import POINTS, Judgement, Ledger, OutboxHarness

PAUSE_EVERY: Final = 20
POINTS_EVERY: Final = 100
FAULTS: Final = ("sent before marked", "unknown sent again", "no fence", "opt-out read when scheduled")
COLUMNS: Final = (
    "messages", "kills", "pauses", "arrived", "twice", "counted as sent and lost", "stuck", "unknown",
    "of them arrived", "opted out", "sent after that",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    parser.add_argument("--on", default=time.strftime("%Y-%m-%d"), help="date of the section")
    asked = parser.parse_args()
    where = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    rows = [["design", *COLUMNS]]
    right = torture(asked.messages, asked.kills, asked.seed)
    rows.append(["as it is", *(f"{number:,}" for number in astuple(right))])
    print(" | ".join(rows[-1]), flush=True)
    seen = []
    for fault in FAULTS:
        found = torture(1000, 16, asked.seed, fault)
        seen.append(found.late > 0 if "opt-out" in fault else found.twice > 0)
        rows.append([f"planted: {fault}", *(f"{number:,}" for number in astuple(found))])
        print(" | ".join(rows[-1]), flush=True)
    section = f"{heading(f'torture of the outbox on {where}', asked.on)} Seed {asked.seed}.\n\n{table(rows)}\n"
    print(section)
    if not asked.dry_run:
        write_section(section)
    if not right.is_clean or right.kills < asked.kills or not all(seen):
        sys.exit(1)


def torture(messages: int, kills: int, seed: int, fault: str = "") -> Judgement:
    """Kills at random, now and then a sleeper, and every hundred kills one at every named point."""
    with tempfile.TemporaryDirectory() as folder, served(Ledger()) as ledger:
        more = {"DATABASE_URL": os.environ["DATABASE_URL"]} if "DATABASE_URL" in os.environ else {}
        harness = OutboxHarness(Path(folder) / "home", ledger, messages=messages, seed=seed, fault=fault, more=more)
        try:
            harness.start()
            harness.start()
            harness.start_refusing()
            while harness.kills < kills:
                harness.kill_one()
                if harness.kills % (4 if fault else PAUSE_EVERY) == 1:
                    harness.pause_one()
                if not fault and harness.kills % POINTS_EVERY == 0:
                    for point in POINTS:
                        harness.kill_at(point)
            return harness.judge()
        finally:
            harness.close()


if __name__ == "__main__":
    main()
