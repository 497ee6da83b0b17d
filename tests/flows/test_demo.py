"""The demo company and what the commands say of it, through the command line alone."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.web.serving import keepwell


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo company, made once for this file; the tests only read it."""
    found = tmp_path_factory.mktemp("demo") / "home"
    done = keepwell(found, "demo", "--accounts", "12", "--days", "120")
    assert done.returncode == 0, done.stderr
    assert "12 accounts" in done.stdout
    return found


def test_a_second_demo_keeps_the_company_that_is_there(home: Path) -> None:
    done = keepwell(home, "demo", "--accounts", "50", "--days", "120")
    assert done.returncode == 0
    assert "there already" in done.stdout


def test_explain_tells_exact_points_that_add_up(home: Path) -> None:
    done = keepwell(home, "explain", "acme", "--json")
    told = json.loads(done.stdout)[0]
    points = [Decimal(line["points"]) for line in told["measures"]]
    weights = [Decimal(line["weight"]) for line in told["measures"]]
    assert told["model"] == "saas/saas"
    assert len(points) == 17
    assert sum(points) == Decimal(told["score"])
    assert sum(weights) == 100


def test_explain_since_splits_the_change_to_the_digit(home: Path) -> None:
    now = json.loads(keepwell(home, "explain", "borealis", "--json").stdout)[0]["as_of"]
    since = f"{int(now[:4]) - (now[5:7] == '01')}-{(int(now[5:7]) - 2) % 12 + 1:02}-{min(int(now[8:10]), 28):02}"
    done = keepwell(home, "explain", "borealis", "--since", since, "--json")
    told = json.loads(done.stdout)[0]
    change = told["change"]
    assert sum(Decimal(cause["points"]) for cause in change["causes"]) == Decimal(change["points"])
    assert Decimal(told["score"]) - Decimal(change["score_before"]) == Decimal(change["points"])


def test_explain_reads_well_in_a_terminal(home: Path) -> None:
    done = keepwell(home, "explain", "acme")
    assert "saas/saas as of" in done.stdout
    assert "daily_active_rate" in done.stdout


def test_scoring_some_accounts_again_changes_no_digit(home: Path) -> None:
    told = json.loads(keepwell(home, "explain", "acme", "--json").stdout)
    done = keepwell(home, "score", "--account", "acme", "--as-of", told[0]["as_of"], "--json")
    assert json.loads(done.stdout)[0]["known"] == 1
    assert json.loads(keepwell(home, "explain", "acme", "--json").stdout) == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "acne"], "There is no account 'acne'. Did you mean 'acme'?"),
        (
            ["explain", "acme", "--model", "saas/sass"],
            "No health model 'saas/sass' is published. Did you mean 'saas/saas'?",
        ),
        (["score", "--as-of", "yesterday"], "'yesterday' is not a moment. Expected a date such as 2026-03-01"),
        (["explain", "acme", "--as-of", "1999-01-01"], "nothing was scored by then. Run 'keepwell score' first."),
        (["model", "publish", "sas"], "There is no package 'sas'. Did you mean 'saas'? There are: crypto, saas."),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_next_step(home: Path, arguments: list[str], said: str) -> None:
    done = keepwell(home, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_model_check_tells_every_problem_with_file_and_line(tmp_path: Path) -> None:
    package = tmp_path / "mine"
    package.mkdir()
    (package / "package.yaml").write_text(
        "package: mine\ntitle: Mine\nversion: 1\nextends: saas\nmodels: [model.yaml]\n", encoding="utf-8"
    )
    (package / "catalogue.yaml").write_text("events: {}\n", encoding="utf-8")
    (package / "metrics.yaml").write_text("metrics: {}\n", encoding="utf-8")
    (package / "model.yaml").write_text(
        "model: mine\ntitle: Mine\nversion: 1\n"
        "bands:\n"
        "  - {id: low, lo: 0, label: LOW, colour: red, icon: stop, tier: emergency}\n"
        "  - {id: high, lo: 50, label: HIGH, colour: green, icon: disc, tier: grow}\n"
        "groups:\n"
        "  - id: usage\n"
        "    title: Usage\n"
        "    weight: 40\n"
        "    parts:\n"
        "      - {metric: daily_active_rat, weight: 35, scale: {kind: linear, from: 0, to: 1}}\n",
        encoding="utf-8",
    )
    done = keepwell(tmp_path / "nowhere", "model", "check", str(package))
    assert done.returncode == 1
    assert f"{package}/model.yaml:12: " in done.stdout
    assert "Did you mean 'daily_active_rate'?" in done.stdout
    assert "weights of group 'usage' add up to 35; the group weighs 40." in done.stdout
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.requirement("A001", "A006", "A012", "A017", "A022")
def test_model_show_prints_the_weight_tree(tmp_path: Path) -> None:
    done = keepwell(tmp_path / "nowhere", "model", "show", "saas")
    assert done.returncode == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()[1:]]
    told = {line[1].strip(): line[0] for line in lines if len(line) == 2}
    assert (told["Usage"], told["Engagement"], told["Business"], told["Relationship"]) == (
        "40.00",
        "30.00",
        "20.00",
        "10.00",
    )
    assert told["Daily active rate"] == "15.00"
