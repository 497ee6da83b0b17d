"""What was acknowledged is in the log, once, whatever is killed when. `make torture` does the same for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.harness import INBOX_POINTS, SEAL_POINTS, Harness


@contextmanager
def harness(folder: Path, fault: str = "") -> Iterator[Harness]:
    found = Harness(folder / "home", seed=7, fault=fault)
    try:
        found.start("serve")
        found.start("seal")
        yield found
    finally:
        found.close()


def test_nothing_acknowledged_is_lost_or_counted_twice_over_kills_at_random(tmp_path: Path) -> None:
    with harness(tmp_path) as found:
        with found.senders(4) as senders:
            found.kill_at_random(25, senders)
        judgement = found.judge(senders)
    assert judgement.acknowledged > 200
    assert judgement.again > 0
    assert judgement.is_clean, judgement


def test_nothing_is_lost_or_counted_twice_at_any_named_point(tmp_path: Path) -> None:
    with harness(tmp_path) as found:
        with found.senders(4) as senders:
            found.kill_at_every_point()
        judgement = found.judge(senders)
    assert judgement.kills == 2 * len(INBOX_POINTS + SEAL_POINTS)
    assert judgement.is_clean, judgement


def test_the_harness_sees_events_that_were_answered_before_they_were_on_disk(tmp_path: Path) -> None:
    with harness(tmp_path, "answer before commit") as found:
        with found.senders(4) as senders:
            found.kill_at_random(12, senders)
        judgement = found.judge(senders)
    assert judgement.lost > 0, judgement


def test_the_harness_sees_events_that_are_counted_without_looking_at_their_ids(tmp_path: Path) -> None:
    with harness(tmp_path, "no identity") as found:
        with found.senders(4) as senders:
            found.kill_at_random(12, senders)
        judgement = found.judge(senders)
    assert judgement.twice > 0, judgement
