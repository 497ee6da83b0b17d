"""make torture: kill the intake thousands of times, then show that the harness sees two wrong designs.

python -m tests.crash.torture --kills 3000
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.crash.harness import Harness, Judgement

POINTS_EVERY = 100
SENDERS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    where = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    right = torture(asked.kills, asked.seed, "")
    print(f"Commit, then answer; identity checked ({where}): {right}", flush=True)
    lost = torture(asked.kills // 20, asked.seed, "answer before commit")
    print(f"Planted: answer before commit: {lost}", flush=True)
    twice = torture(asked.kills // 20, asked.seed, "no identity")
    print(f"Planted: identity not checked: {twice}", flush=True)
    if not right.is_clean or not lost.lost or not twice.twice:
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
