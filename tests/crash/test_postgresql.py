"""The same promises with the state in PostgreSQL, also while the database itself is killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.harness import Harness
from tests.postgresql import Server, postgresql


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with postgresql() as found:
        yield found


def test_kills_at_random_lose_and_double_nothing(database: Server, tmp_path: Path) -> None:
    harness = Harness(tmp_path / "home", seed=11, more={"DATABASE_URL": database.database("kills")})
    try:
        harness.start("serve")
        harness.start("seal")
        with harness.senders(4) as senders:
            harness.kill_at_random(10, senders)
            harness.kill_at_every_point()
        judgement = harness.judge(senders)
    finally:
        harness.close()
    assert judgement.acknowledged > 200
    assert judgement.is_clean, judgement


def test_a_killed_database_loses_nothing_that_was_acknowledged(database: Server, tmp_path: Path) -> None:
    """F3, F6: 503 while it is away, and the same server process goes on when it is back."""
    harness = Harness(tmp_path / "home", seed=12, more={"DATABASE_URL": database.database("away")})
    try:
        harness.start("serve")
        with harness.senders(4) as senders:
            for _ in range(3):
                harness.await_answers(senders, 10)
                database.kill()
                harness.await_refusals(senders, 5)
                database.start_again()
            harness.await_answers(senders, 10)
        judgement = harness.judge(senders)
    finally:
        harness.close()
    assert judgement.again > 0
    assert judgement.is_clean, judgement
