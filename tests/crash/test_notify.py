"""A worker that is killed while it tells somebody: at most once, and what nobody can know is shown."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keepwell.jobs.deliver import LEASE
from tests.channels.peers import Mailboxes, mail_server
from tests.postgresql import postgresql
from tests.web.serving import environment, keepwell

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


def notifier(home: Path, more: Mapping[str, str], what: str, *moments: datetime, crash_at: str = "") -> int:
    command = [sys.executable, "-m", "tests.crash.notifier", what, *(at.isoformat() for at in moments)]
    found = environment(home, **more, KEEPWELL_CRASH_AT=crash_at)
    return subprocess.run(command, env=found, cwd=Path(__file__).parents[2], check=False).returncode


def settings(boxes: Mailboxes) -> dict[str, str]:
    return {
        "KEEPWELL_MAIL_HOST": "127.0.0.1",
        "KEEPWELL_MAIL_PORT": str(boxes.port),
        "KEEPWELL_MAIL_SECURITY": "none",
        "KEEPWELL_MAIL_SENDER": "keepwell@ours.example",
    }


@pytest.mark.parametrize(("crash_at", "arrived"), [("notify: claimed", 0), ("notify: handed over", 1)])
def test_a_message_is_never_sent_twice_and_what_became_of_it_is_shown_as_unknown(
    tmp_path: Path, crash_at: str, arrived: int
) -> None:
    hold_to_it(tmp_path / "home", crash_at, arrived)


def test_the_same_holds_on_postgresql(tmp_path: Path) -> None:
    with postgresql() as server:
        hold_to_it(tmp_path / "home", "notify: handed over", 1, DATABASE_URL=server.database("keepwell"))


def hold_to_it(home: Path, crash_at: str, arrived: int, **database: str) -> None:
    with mail_server() as boxes:
        more = settings(boxes) | database
        assert keepwell(home, "init", "--email", "ada@ours.example", **more).returncode == 0
        added = keepwell(home, "notify", "add", "ada@ours.example", **more)
        assert added.returncode == 0, added.stderr
        assert notifier(home, more, "queue", NOW) == 0
        assert notifier(home, more, "deliver", NOW, crash_at=crash_at) == -signal.SIGKILL
        assert len(boxes.taken) == arrived
        # While the lease holds, nobody else touches the message; afterwards nobody may send it again.
        assert notifier(home, more, "deliver", NOW + LEASE / 2, NOW + LEASE, NOW + timedelta(days=2)) == 0
        assert len(boxes.taken) == arrived
        (row,) = json.loads(keepwell(home, "notify", "recent", "--json", **more).stdout)
    assert row["state"] == "unknown"
    assert row["reason"].endswith("it may have arrived.")
