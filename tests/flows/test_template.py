"""keepwell templates check and preview, for shipped packages and for a folder of one's own."""

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from tests.web.serving import keepwell


def said(home: Path, *words: str, code: int = 0) -> str:
    done = keepwell(home, "templates", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the shipped package, free to be broken."""
    shutil.copytree(str(files("keepwell") / "models" / "saas"), tmp_path / "mine")
    return tmp_path / "mine"


def test_shipped_templates_are_checked_and_previewed_without_a_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    told = said(home, "check", "saas")
    assert re.search(r"^models/saas/templates: \d+ templates, 0 errors, 1 warning\.$", told, re.MULTILINE)
    text = said(home, "preview", "saas", "critical_ceo")
    assert text.startswith("Subject: [Urgent] Let's get you back on track\n\nHi Ada,\n")
    html = said(home, "preview", "saas", "critical_ceo", "--html")
    assert html.startswith("<!doctype html>")
    shown = json.loads(said(home, "preview", "saas", "critical_ceo", "--json"))
    assert (shown["html"], f"Subject: {shown['subject']}\n\n{shown['text']}") == (html, text)
    assert not home.exists()


def test_a_broken_template_is_refused_with_its_lines_and_leaves_the_others_alone(tmp_path: Path, package: Path) -> None:
    home, broken = tmp_path / "home", package / "templates" / "high_risk_csm.md"
    text = broken.read_text(encoding="utf-8")
    broken.write_text(text.replace("{{ csm.first_name }}", "{{ csm.delete() }}"), encoding="utf-8")
    sentence = "templates/high_risk_csm.md:12: a call is not allowed in a template."
    told = said(home, "check", str(package), code=1)
    assert sentence in told
    count = len(list(broken.parent.glob("*.md")))
    assert told.endswith(f"templates: {count} templates, 2 errors, 1 warning.\n")
    issues = json.loads(said(home, "check", str(package), "--json", code=1))
    assert [(issue["line"], issue["level"]) for issue in issues] == [(12, "error"), (12, "error"), (3, "warning")]
    assert sentence in said(home, "preview", str(package), "high_risk_csm", code=1)
    assert said(home, "preview", str(package), "benchmark").startswith("Subject: How Acme compares")


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path, package: Path) -> None:
    home = tmp_path / "home"
    told = said(home, "preview", "saas", "critical_cfo", code=1)
    assert "There is no template 'critical_cfo'. Did you mean 'critical_ceo'? There are: absence_question," in told
    shutil.rmtree(package / "templates")
    assert "mine has no folder templates/" in said(home, "check", str(package), code=1)
    assert said(home, "preview", "saas", code=2)
