"""make torture: kill the intake thousands of times, then show that the harness sees two wrong designs.

python -m tests.crash.torture --kills 3000
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import heading, table, write_section
from tests.crash.harness import Harness, Judgement

POINTS_EVERY = 100
SENDERS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    parser.add_argument("--on", default=time.strftime("%Y-%m-%d"), help="date of the section")
    asked = parser.parse_args()
    where = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    designs = {
        "as it is": ("", asked.kills),
        "planted: answer before commit": ("answer before commit", asked.kills // 20),
        "planted: identity not checked": ("no identity", asked.kills // 20),
    }
    rows = [
        ["design", "kills", "requests", "sent again", "acknowledged", "in the log", "lost", "twice", "ledger off by"]
    ]
    found: list[Judgement] = []
    for name, (fault, kills) in designs.items():
        found.append(torture(kills, asked.seed, fault))
        rows.append([name, *(f"{number:,}" for number in found[-1].numbers())])
        print(" | ".join(rows[-1]), flush=True)
    section = f"{heading(f'torture of the intake on {where}', asked.on)} Seed {asked.seed}.\n\n{table(rows)}\n"
    print(section)
    if not asked.dry_run:
        write_section(section)
    right, hasty, blind = found
    if not right.is_clean or not hasty.lost or not blind.twice:
        sys.exit(1)


def torture(kills: int, seed: int, fault: str) -> Judgement:
    """Kills at random, and every hundred of them a kill at every named point."""
    with tempfile.TemporaryDirectory() as folder:
        more = {"DATABASE_URL": os.environ["DATABASE_URL"]} if "DATABASE_URL" in os.environ else {}
        harness = Harness(Path(folder) / "home", seed=seed, fault=fault, more=more)
        harness.start("serve")
        harness.start("seal")
        with harness.senders(SENDERS) as senders:
            while harness.kills < kills:
                harness.kill_at_random(min(POINTS_EVERY, kills - harness.kills), senders)
                if not fault:
                    harness.kill_at_every_point()
        judgement = harness.judge(senders)
        harness.close()
    return judgement


if __name__ == "__main__":
    main()
