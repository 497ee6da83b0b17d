"""Playbooks are a part of their package: checked with it, installed with it, published with it."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.base.errors import PackageError
from keepwell.base.home import Home
from keepwell.jobs.package import SHIPPED, do_install_package, do_publish_package, read_texts
from tests.web.serving import keepwell

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
BY = "ada@example.org"


KEPT = {"critical", "milestones"}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of the shipped package under a name of its own, with few of its cases."""
    folder = tmp_path / "mine"
    shutil.copytree(SHIPPED / "saas", folder)
    for path in (*(folder / "cases").glob("*.yaml"), *(folder / "playbook_cases").glob("*.yaml")):
        if path.stem not in KEPT:
            path.unlink()
    header = folder / "package.yaml"
    header.write_text(header.read_text(encoding="utf-8").replace("package: saas", "package: mine"), encoding="utf-8")
    return folder


def spoil(folder: Path) -> None:
    path = folder / "playbooks" / "critical.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("only_if: {no_resp", "only_if: {no_rsep"), encoding="utf-8"
    )


@pytest.mark.usefixtures("db")
def test_a_package_is_installed_and_published_with_its_playbooks(tmp_path: Path, mine: Path) -> None:
    home = Home(tmp_path / "home")
    assert do_install_package(home, mine, by=BY, now=NOW) == "mine"
    assert "playbooks/critical.yaml" in read_texts(home)["mine"].files
    new, _ = do_publish_package(home, "mine", note="", by=BY, now=NOW)
    text = (mine / "playbooks" / "critical.yaml").read_text(encoding="utf-8")
    assert new[0].text["mine/playbooks/critical.yaml"] == text


@pytest.mark.usefixtures("db")
def test_a_playbook_that_is_gone_is_gone_from_the_home_too(tmp_path: Path, mine: Path) -> None:
    home = Home(tmp_path / "home")
    do_install_package(home, mine, by=BY, now=NOW)
    before = {f"playbooks/{path.name}" for path in (mine / "playbooks").iterdir()}
    (mine / "playbooks" / "tell_success_story.yaml").unlink()
    do_install_package(home, mine, by=BY, now=NOW)
    found = {name for name in read_texts(home)["mine"].files if name.startswith("playbooks/")}
    assert found == before - {"playbooks/tell_success_story.yaml"}


@pytest.mark.usefixtures("db")
def test_a_package_with_a_wrong_playbook_is_not_installed(tmp_path: Path, mine: Path) -> None:
    spoil(mine)
    with pytest.raises(PackageError, match="Did you mean 'no_response'"):
        do_install_package(Home(tmp_path / "home"), mine, by=BY, now=NOW)
    assert not (tmp_path / "home" / "packages" / "mine").exists()


def test_model_check_tells_of_playbooks_and_tries_their_cases(tmp_path: Path, mine: Path) -> None:
    done = keepwell(tmp_path / "nowhere", "model", "check", str(mine), "--cases")
    assert done.returncode == 0, done.stdout
    tried = sum(path.read_text(encoding="utf-8").count("- case:") for path in (mine / "playbook_cases").glob("*.yaml"))
    counted = int(done.stdout.splitlines()[-1].rpartition(", ")[2].split()[0])
    assert counted > tried > 0
    shutil.rmtree(mine / "playbook_cases")
    fewer = keepwell(tmp_path / "nowhere", "model", "check", str(mine), "--cases")
    assert int(fewer.stdout.splitlines()[-1].rpartition(", ")[2].split()[0]) == counted - tried
    spoil(mine)
    failed = keepwell(tmp_path / "nowhere", "model", "check", str(mine))
    assert failed.returncode == 1
    assert f"{mine}/playbooks/critical.yaml:" in failed.stdout
