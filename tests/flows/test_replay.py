"""keepwell replay: what playbooks would have done over imported history, in a home that is thrown away."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.settings import Settings
from keepwell.cli import replay as command
from keepwell.jobs.ingest import ImportPlan, do_import_events
from keepwell.jobs.opt_out import MEMBER, do_opt_out
from keepwell.jobs.replay_home import ReplayPlan, do_load_rows, do_make_replay_home
from keepwell.store.models import (
    Account,
    Alert,
    AuditEntry,
    Contact,
    EnrolmentRecord,
    Member,
    ScoreRecord,
    Source,
    Task,
    Touch,
)
from tests.flows.playbook_world import RESCUE, member, playing
from tests.flows.signal_world import BY, DAY, HOUR, NOW, Gym, Told, arrivals, mood

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = NOW - 40 * DAY
ROWS = (Account, Alert, AuditEntry, EnrolmentRecord, ScoreRecord, Task, Touch)
# Nothing ends it but its steps; the message from the coach needs a yes.
PLAYBOOK = RESCUE.replace("approval: none", "approval: sender").replace("while_open: true\n", "") + (
    "  - {id: coach, kind: message, title: The coach, template: coach, from: coach, after: 49h, late: ask}\n"
)
COACH = "---\ntitle: Coach\nsubject: It is me\npurpose: retention\nfrom_role: coach\n---\n[Your plan](links.plan).\n"


def told(key: str, at: datetime, **more: object) -> Told:
    props = {"name": f"Ada {key.title()}", "email": f"ada@{key}.example", "time_zone": "Europe/Berlin", "role": "admin"}
    return Told(key, "contact_updated", at, {**props, **more})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    """Old was critical before the replay begins; acme falls at noon, gamma at night; delta falls and answers."""
    with playing(tmp_path, {"rescue": PLAYBOOK}, coach=COACH) as found:
        member("robin", "csm", "coach")
        names = ("acme", "gamma", "delta", "old", "well")
        history = [told(key, BEGIN - 5 * DAY) for key in names]
        history += [mood(key, BEGIN - 4 * DAY, 10 if key == "old" else 80) for key in names]
        noon = BEGIN + 10 * DAY
        history += [mood(key, noon, 10) for key in ("acme", "delta")]
        history += [Told("delta", "message_replied", noon + 20 * HOUR)]
        history += [mood("gamma", BEGIN + 10 * DAY + 9 * HOUR, 10)]
        batches = arrivals(history).to_batches(500)
        do_import_events(found.home, batches, ImportPlan("old", "history"), by=BY, now=NOW)
        found.turn(NOW)
        yield found


class Shell:
    """The command in this process, at a moment of the test's own; the replay itself has a process of its own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._app = typer.Typer()
        self._app.command()(command.replay)
        patch.setattr(command, "start", lambda: Settings(home=folder))
        patch.setattr(SystemClock, "now", lambda _: NOW)

    def said(self, *words: str) -> str:
        done = CliRunner().invoke(self._app, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refused(self, *words: str) -> str:
        with pytest.raises(UserError) as found:
            CliRunner().invoke(self._app, list(words), catch_exceptions=False)
        return str(found.value)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    # Where the replay would look for another state, and for a way to send.
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@nowhere.example/none")
    monkeypatch.setenv("KEEPWELL_MAIL_HOST", "nowhere.example")
    return Shell(tmp_path, monkeypatch)


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_replay_says_what_would_have_happened_and_changes_and_contacts_nothing(world: Gym, shell: Shell) -> None:
    before, rows = files_of(world.home.path), [table.objects.count() for table in ROWS]
    thrown_away = set(Path(tempfile.gettempdir()).glob("keepwell-replay-*"))
    words = ("--package", "gym", "--from", BEGIN.isoformat(), "--to", (BEGIN + 20 * DAY).isoformat())
    found: dict[str, Any] = json.loads(shell.said(*words, "--json"))
    seconds = found.pop("seconds")
    assert seconds > 0
    turns = found.pop("turns")
    assert 80 <= turns <= 100
    assert found == {
        "version": "gym/gym v2",
        "accounts": 5,
        "alerts": found["alerts"],
        "started": {"rescue": 3},
        "ended": {"completed": 3},
        # Acme and gamma twice; delta answered before the second one.
        "sent": 5,
        "contacts": 3,
        "shown": 0,
        "asked": {"coach": 3},
        "held_back": {"It was night at the contact's.": 2},
        "suppressed": {},
        "tasks": {"coach": 3},
    }
    assert files_of(world.home.path) == before
    assert [table.objects.count() for table in ROWS] == rows
    assert EnrolmentRecord.objects.count() == 0
    assert set(Path(tempfile.gettempdir()).glob("keepwell-replay-*")) == thrown_away


def test_with_a_yes_to_everything_it_says_so_in_words(world: Gym, shell: Shell) -> None:
    do_opt_out(Contact.objects.get(account__key="gamma"), way=MEMBER, by=BY, now=NOW)
    begin, end = BEGIN + 9 * DAY, BEGIN + 15 * DAY
    words = ("--package", "gym", "--from", begin.isoformat(), "--to", end.isoformat(), "--every", "3h", "--approved")
    lines = shell.said(*words).splitlines()
    assert lines[0] == (
        "gym/gym v2 from 2026-01-30 12:00 to 2026-02-05 12:00 UTC, with a look every 3h at least. Nobody was contacted."
    )
    assert lines[2:9] == [
        "Would have started 3 enrolments: rescue 3.",
        "Would have ended 3 enrolments: completed 2; opted_out 1.",
        "Would have sent 5 messages to 2 contacts, and shown 0 in the product.",
        "Would still be asking for a yes for 0 messages.",
        "Would have held back 0 messages.",
        "Would have suppressed 0 messages.",
        "Would have created 2 tasks: coach 2.",
    ]
    assert "turns over 5 accounts took" in lines[9]


def test_a_throw_away_home_holds_no_secret_and_only_a_link_to_the_log(world: Gym, tmp_path: Path) -> None:
    Source.objects.create(name="stripe", connector="stripe", secrets="sealed", created_at=NOW, created_by=BY)
    folder = tmp_path.parent / f"{tmp_path.name}-inside"
    folder.mkdir()
    plan = ReplayPlan("gym", BEGIN, NOW, timedelta(hours=6))
    do_make_replay_home(world.home, folder, plan)
    assert (folder / "lake" / "events").resolve() == world.home.log.resolve()
    copied = "".join(path.read_text() for path in (folder / "rows").iterdir())
    assert Member.objects.get().password
    assert "sealed" not in copied
    assert Member.objects.get().password not in copied
    assert (folder / "secret_key").stat().st_mode & 0o077 == 0
    assert ReplayPlan.read(plan.written()) == plan
    with pytest.raises(UserError, match="no fresh home of a replay"):
        do_load_rows(world.home.path)
    with pytest.raises(UserError, match="no fresh home of a replay"):
        do_load_rows(folder)


def test_wrong_words_are_refused_with_what_was_expected(world: Gym, shell: Shell) -> None:
    begin = ("--from", "2026-01-01")
    assert "Did you mean 'gym'?" in shell.refused("--package", "gyn", *begin, "--to", "2026-02-01")
    assert "--from must lie before --to" in shell.refused("--package", "gym", *begin, "--to", "2025-12-01")
    assert "must not lie ahead" in shell.refused("--package", "gym", *begin, "--to", "2026-04-01")
    assert "'soon' is no moment" in shell.refused("--package", "gym", *begin, "--to", "soon")
    assert "15m or more" in shell.refused("--package", "gym", *begin, "--to", "2026-02-01", "--every", "5m")
    assert "'often' is not a period" in shell.refused(
        "--package", "gym", *begin, "--to", "2026-02-01", "--every", "often"
    )
