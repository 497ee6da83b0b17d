"""A package of one's own is copied into the home as it is, cases included."""

import shutil
from pathlib import Path

from keepwell.jobs.package import SHIPPED
from tests.web.serving import keepwell


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_playbooks_templates_and_cases_of_a_package_go_with_it(tmp_path: Path) -> None:
    home, own = tmp_path / "home", tmp_path / "own"
    assert keepwell(home, "init", "--email", "ops@example.com").returncode == 0
    shutil.copytree(SHIPPED / "saas", own)
    for kept in (2, 1):
        # What was taken out since is gone from the copy too.
        for folder in ("cases", "playbook_cases"):
            for path in sorted((own / folder).glob("*.yaml"))[kept:]:
                path.unlink()
        done = keepwell(home, "model", "publish", str(own))
        assert done.returncode == 0, done.stderr
    assert files(home / "packages" / "saas") == files(own)
    assert {name.partition("/")[0] for name in files(own)} >= {"playbooks", "templates", "cases", "playbook_cases"}
    of_the_home, of_the_folder = (keepwell(home, "model", "check", name, "--cases") for name in ("saas", str(own)))
    assert of_the_home.returncode == of_the_folder.returncode == 0, of_the_home.stderr
    assert " tried" in of_the_home.stdout
    assert of_the_home.stdout.count("\n") == of_the_folder.stdout.count("\n")
