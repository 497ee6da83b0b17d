"""Nothing is sent twice, nothing is lost and nobody is written to who said no, whoever is killed or stopped when.

`make torture` does the same for long, and shows that the harness sees wrong designs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.channels.peers import served
from tests.crash.outbox_harness import POINTS, Ledger, OutboxHarness
from tests.postgresql import postgresql


@contextmanager
def harness(folder: Path, fault: str = "", messages: int = 300, **more: str) -> Iterator[OutboxHarness]:
    with served(Ledger()) as ledger:
        found = OutboxHarness(folder / "home", ledger, messages=messages, seed=7, fault=fault, more=more)
        try:
            found.start()
            found.start()
            yield found
        finally:
            found.close()


def hold_to_it(found: OutboxHarness) -> None:
    found.start_refusing()
    for point in POINTS:
        found.kill_at(point)
    for _ in range(10):
        found.kill_one()
    found.pause_one()
    judgement = found.judge()
    assert judgement.is_clean, judgement
    assert judgement.kills == 14
    assert judgement.arrived > 100
    assert judgement.refused == 150


def test_at_most_once_and_nothing_lost_whatever_is_killed_or_stopped(tmp_path: Path) -> None:
    with harness(tmp_path) as found:
        hold_to_it(found)


def test_the_same_holds_on_postgresql(tmp_path: Path) -> None:
    with postgresql() as server, harness(tmp_path, DATABASE_URL=server.database("outbox")) as found:
        hold_to_it(found)
