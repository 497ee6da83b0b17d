"""A package of one's own is copied into the home as it is, cases included."""

import shutil
from pathlib import Path

from keepwell.jobs.package import SHIPPED
from tests.web.serving import keepwell


def test_the_cases_of_a_package_go_with_it(tmp_path: Path) -> None:
    home, own = tmp_path / "home", tmp_path / "own"
    assert keepwell(home, "init", "--email", "ops@example.com").returncode == 0
    shutil.copytree(SHIPPED / "saas", own)
    kept, *others = sorted((own / "cases").glob("*.yaml"))
    for path in others:
        path.unlink()
    for published in ("first", "second"):
        done = keepwell(home, "model", "publish", str(own))
        assert done.returncode == 0, (published, done.stderr)
    copies = [path for path in home.rglob("*.yaml") if path.parent.name == "cases"]
    assert [path.read_bytes() for path in copies] == [kept.read_bytes()]
    of_the_home, of_the_folder = (keepwell(home, "model", "check", name, "--cases") for name in ("saas", str(own)))
    assert of_the_home.returncode == of_the_folder.returncode == 0, of_the_home.stderr
    assert " tried" in of_the_home.stdout
    assert of_the_home.stdout.count("\n") == of_the_folder.stdout.count("\n")
