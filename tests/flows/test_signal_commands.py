"""keepwell alerts, opportunities, milestones, today, segments and explain on a home with signals."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import ROOT
from tests.web.serving import environment, keepwell


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("signals") / "home"
    assert keepwell(found, "init", "--email", "first@keepwell.example").returncode == 0
    subprocess.run(
        [sys.executable, "-m", "tests.web.plant_signals"],
        env=environment(found, PYTHONPATH=str(ROOT)), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found


def said(home: Path, *words: str, code: int = 0) -> str:
    done = keepwell(home, *words)
    assert done.returncode == code, done.stderr
    return (done.stdout + done.stderr).replace("\u202f", " ")


def told(home: Path, *words: str) -> Any:
    return json.loads(said(home, *words, "--json"))


@pytest.mark.requirement("A028", "A139", "A140", "B154", "B155", "B156", "B157")
def test_the_shell_sees_and_handles_signals(home: Path) -> None:
    alerts = told(home, "alerts")
    assert [one["account"]["key"] for one in alerts] == ["cobalt", "delta", "acme", "borealis"]
    assert [one["id"] for one in told(home, "alerts", "--account", "acme", "--severity", "high")] == [alerts[2]["id"]]
    assert "A payment failed" in said(home, "alerts", "--sort", "due")
    today = said(home, "today")
    assert today.index("Acme") < today.index("Borealis") < today.index("Milestone: Agreed to a case study")
    assert "€50,400 a year × 0.3 (assumed) × 1" in today
    assert "Not to be offered now, Acme: a payment failed." in today
    assert [risk["saving"] for risk in told(home, "today", "--mine", "ada@keepwell.example")["risks"]] == [
        "15120.00",
        None,
    ]
    assert {row["segment"]: row["accounts"] for row in told(home, "segments")}["payment_trouble"] == 2
    explained = told(home, "explain", "acme")[0]
    assert [sign["type"] for sign in explained["expansion_signals"]] == ["USAGE_LIMIT_APPROACHING"]
    assert [alert["rule"] for alert in explained["open_alerts"]] == ["payment_failure"]
    assert "May grow: Use above the plan, €3,600 a year, confidence 40% (assumed)" in " ".join(
        said(home, "explain", "acme").split()
    )

    first, second, third = (str(one["id"]) for one in alerts[:3])
    said(home, "alerts", "acknowledge", first, second)
    assert "belongs to ada@keepwell.example" in said(home, "alerts", "assign", first, "--to", "ada@keepwell.example")
    assert "put aside until it changes" in said(home, "alerts", "snooze", second, "--until-change")
    assert "put aside until" in said(home, "alerts", "snooze", first, "--until", "8h")
    assert "is closed: acted" in said(home, "alerts", "close", third, "--reason", "acted", "--note", "Paid.")
    states = {one["id"]: one["state"] for one in told(home, "alerts", "--state", "all")}
    assert sorted(states.values()) == ["closed", "new", "put_aside", "put_aside"]
    grown = next(one for one in told(home, "opportunities") if not one["blocked_because"])
    assert "is contacted" in said(home, "opportunities", "contacted", str(grown["id"]))
    assert "is lost" in said(home, "opportunities", "lost", str(grown["id"]), "--note", "No budget.")
    assert [one["note"] for one in told(home, "opportunities", "--stage", "lost")] == ["No budget."]
    new = told(home, "milestones")
    assert "is celebrated" in said(home, "milestones", "celebrated", str(new[0]["id"]))
    assert "is passed over" in said(home, "milestones", "pass-over", str(new[1]["id"]))
    assert said(home, "milestones") == "No milestone is listed under 'new'.\n"
    assert "closed already" in said(home, "alerts", "close", third, "--reason", "known", code=1)


def test_what_cannot_be_is_refused_with_the_next_step(home: Path) -> None:
    assert "There is no alert 99" in said(home, "alerts", "acknowledge", "99", code=1)
    assert "Did you mean 'acme'?" in said(home, "alerts", "--account", "acmee", code=1)
    assert "Say until when" in said(home, "alerts", "snooze", "1", code=1)
    assert "neither a moment nor a period" in said(home, "alerts", "snooze", "1", "--until", "soon", code=1)
    assert "No member who may sign in" in said(home, "today", "--mine", "x@y.z", code=1)
    assert "There is no opportunity 99" in said(home, "opportunities", "lost", "99", code=1)
    assert "There is no milestone 99" in said(home, "milestones", "celebrated", "99", code=1)
    assert said(home, "alerts", "close", "1", "--reason", "bored", code=2)
