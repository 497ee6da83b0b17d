"""keepwell contact: a member opts a contact out and lets them have messages again."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.conftest import ROOT
from tests.web.serving import environment, keepwell


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("contact") / "home"
    assert keepwell(found, "init", "--email", "first@keepwell.example").returncode == 0
    subprocess.run(
        [sys.executable, "-m", "tests.web.plant", "5"],
        env=environment(found), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found


def said(home: Path, *words: str, code: int = 0) -> str:
    done = keepwell(home, "contact", *words)
    assert done.returncode == code, done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_a_member_opts_a_contact_out_and_in_again(home: Path) -> None:
    assert said(home, "opt-out", "acme", "c3") == "Person 3 gets no more messages."
    assert said(home, "opt-out", "acme", "P3@acme.example") == "Person 3 gets no more messages."
    assert said(home, "opt-in", "acme", "c3") == (
        "Person 3 may get messages again. Enrolments that ended for it stay as they are."
    )
    assert said(home, "opt-in", "acme", "c3") == "Person 3 had not opted out."
    assert keepwell(home, "audit", "verify").returncode == 0


def test_a_name_that_is_nobodys_is_refused_with_the_nearest(home: Path) -> None:
    told = said(home, "opt-out", "acme", "p33@acme.example", code=1)
    assert "The account 'acme' has no contact 'p33@acme.example'." in told
    assert "Did you mean 'p3@acme.example'?" in told
    assert "There is no account 'acm'." in said(home, "opt-out", "acm", "c3", code=1)
