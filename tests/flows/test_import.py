"""Files on their way into the log: by the command, twice, and the public data sets that the examples map."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.base.home import Home
from keepwell.connectors.report import ImportReport
from keepwell.health.checks.check import inspect_package
from keepwell.jobs.import_file import do_import_file, preview_import, ready_import
from keepwell.jobs.package import find_text
from keepwell.lake.log import EventLog
from keepwell.store.models import Account, Contact, ImportRun

NOW = datetime(2026, 6, 1, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("KEEPWELL_DATA") or REPOSITORY.parent / "shared" / "data")
FOLDERS = {"udacity": "udacity_engagement", "fightchurn": "fightchurn_crm5", "ravenstack": "ravenstack"}
MAP = """\
source: app
account: account
contact: who
events:
  - {name: feature_used, time: at, properties: {feature: what}}
"""

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the public data sets are not in {DATA}; set KEEPWELL_DATA to their folder"
)


def home_in(folder: Path) -> Home:
    home = Home(folder / "home")
    home.packages.mkdir(parents=True)
    return home


def take(home: Home, file: Path, map_file: Path | None = None) -> ImportReport:
    ready = ready_import(home, file, map_file)
    return do_import_file(home, ready, by="ops@example.com", now=NOW, progress=lambda position: None)


def written(report: ImportReport) -> tuple[int, int, int, int]:
    assert report.written is not None
    found = report.written
    assert found.received == found.accepted + found.duplicate + found.conflict + found.rejected
    return found.accepted, found.duplicate, found.conflict, found.rejected


def logged(home: Home) -> int:
    return sum(file.rows for file in EventLog(home.log).files())


@pytest.mark.django_db
def test_importing_again_or_a_longer_file_adds_only_what_is_new(tmp_path: Path) -> None:
    home, file, map_file = home_in(tmp_path), tmp_path / "a.csv", tmp_path / "a.yaml"
    map_file.write_text(MAP, encoding="utf-8")
    rows = ["acme,ada,2026-01-01,x", "acme,ada,2026-01-01,x", "acme,bo,2026-01-02,y", ",bo,2026-01-02,y"]
    file.write_text("account,who,at,what\n" + "\n".join(rows), encoding="utf-8")
    assert written(take(home, file, map_file)) == (3, 0, 0, 1)
    assert written(take(home, file, map_file)) == (0, 3, 0, 1)
    file.write_text("account,who,at,what\n" + "\n".join(["new,ada,2026-01-03,x", *reversed(rows)]), encoding="utf-8")
    assert written(take(home, file, map_file)) == (1, 3, 0, 1)
    assert logged(home) == 4
    assert list(Account.objects.order_by("key").values_list("key", flat=True)) == ["acme", "new"]
    assert Contact.objects.count() == 3


@pytest.mark.django_db
def test_rejects_and_findings_are_kept_with_the_run(tmp_path: Path) -> None:
    home, file, map_file = home_in(tmp_path), tmp_path / "a.csv", tmp_path / "a.yaml"
    check = "checks: [{kind: unique, id: once, title: Rows that come twice, columns: [account, at]}]\n"
    map_file.write_text(MAP + check, encoding="utf-8")
    file.write_text("account,who,at,what\na,b,2026-01-01,x\na,b,2026-01-01,y\na,b,never,x\n", encoding="utf-8")
    found = take(home, file, map_file)
    run = ImportRun.objects.get()
    assert (run.received, run.accepted, run.duplicate, run.conflict, run.rejected) == (3, 2, 0, 0, 1)
    assert [finding["contradicting"] for finding in run.findings] == [1]
    assert found.written is not None
    assert run.rejects_file == found.written.rejects_file
    (reject,) = [json.loads(line) for line in Path(run.rejects_file).read_text(encoding="utf-8").splitlines()]
    assert (reject["line"], reject["code"], reject["row"]) == (4, "time_unreadable", "a,b,never,x")


@pytest.mark.django_db
def test_a_changed_row_with_an_id_is_a_conflict_and_the_first_stays(tmp_path: Path) -> None:
    home, file = home_in(tmp_path), tmp_path / "a.csv"
    row = "acme,ada,{event},2026-01-01,m1,"
    header = "account_id,user_id,event,timestamp,message_id,properties\n"
    file.write_text(header + row.format(event="Signed In"), encoding="utf-8")
    assert written(take(home, file)) == (1, 0, 0, 0)
    file.write_text(header + row.format(event="feature_used"), encoding="utf-8")
    report = take(home, file)
    assert written(report) == (0, 0, 1, 0)
    assert report.written is not None
    assert report.written.conflicting_ids == ["m1"]


@pytest.mark.django_db
def test_the_usual_columns_need_no_map_and_may_be_few(tmp_path: Path) -> None:
    home, file = home_in(tmp_path), tmp_path / "a.csv"
    file.write_text("event,account_id,timestamp,extra\nLogin,acme,2026-01-01T00:00:00Z,1\n", encoding="utf-8")
    report = take(home, file)
    assert [(event.name, event.count) for event in report.events] == [("signed_in", 1)]


def keepwell(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KEEPWELL_HOME": str(home)}
    command = [str(Path(sys.executable).parent / "keepwell"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command_refuses_with_1_and_wrong_usage_is_2(tmp_path: Path) -> None:
    home, file, map_file = tmp_path / "home", tmp_path / "a.csv", tmp_path / "a.yaml"
    keepwell(home, "init", "--email", "you@example.com")
    map_file.write_text(MAP, encoding="utf-8")
    file.write_text("account,who,at,what\na,b,2026-01-01,x\n", encoding="utf-8")
    done = keepwell(home, "import", str(file), "--map", str(map_file), "--dry-run", "--json", "--source", "other")
    assert done.returncode == 0, done.stderr
    found = ImportReport.model_validate_json(done.stdout)
    assert (found.taken, found.source, found.written) == (1, "other", None)
    assert not (home / "rejects").exists()
    file.write_text("", encoding="utf-8")
    refused = keepwell(home, "import", str(file), "--map", str(map_file))
    assert (refused.returncode, "empty" in refused.stderr) == (1, True)
    assert keepwell(home, "import", str(tmp_path / "no.csv"), "--map", str(map_file)).returncode == 2
    assert keepwell(home, "import").returncode == 2


@pytest.mark.parametrize("example", FOLDERS)
def test_the_packages_of_the_examples_are_right(tmp_path: Path, example: str) -> None:
    text, others = find_text(home_in(tmp_path), str(REPOSITORY / "examples" / example / "package"))
    assert [str(issue) for issue in inspect_package(text, others) if issue.level == "error"] == []


@needs_data
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("example", "file", "taken"),
    [
        ("udacity", "enrollments.csv.gz", 1_304),
        ("udacity", "daily_engagement.parquet", 36_990),
        ("udacity", "project_submissions.csv.gz", 3_520),
        ("fightchurn", "accounts.csv.gz", 1_422),
        ("fightchurn", "subscriptions.csv.gz", 5_221),
        ("ravenstack", "accounts.csv.gz", 524),
        ("ravenstack", "subscriptions.csv.gz", 2_881),
        ("ravenstack", "feature_usage.csv.gz", 13_074),
        ("ravenstack", "support_tickets.csv.gz", 2_749),
        ("ravenstack", "churn_events.csv.gz", 319),
    ],
)
def test_public_data_is_taken_whole_and_once(tmp_path: Path, example: str, file: str, taken: int) -> None:
    home, path, map_file = example_home(tmp_path, example, file)
    assert written(take(home, path, map_file)) == (taken, 0, 0, 0)
    assert written(take(home, path, map_file)) == (0, taken, 0, 0)


@needs_data
@pytest.mark.parametrize("file", ["events_daily.parquet", "events_raw_sample.parquet"])
def test_the_large_files_fit_their_maps(tmp_path: Path, file: str) -> None:
    ready_import(*example_home(tmp_path, "fightchurn", file))


@needs_data
def test_usage_outside_its_subscription_is_reported(tmp_path: Path) -> None:
    ready = ready_import(*example_home(tmp_path, "ravenstack", "feature_usage.csv.gz"))
    report = preview_import(ready, now=NOW, progress=lambda position: None)
    found = {finding.id: finding for finding in report.findings}["outside_subscription"]
    assert (found.judged, found.contradicting) == (13_075, 10_129)
    assert (tmp_path / "home" / "rejects").exists() is False


def example_home(folder: Path, example: str, file: str) -> tuple[Home, Path, Path]:
    home = home_in(folder)
    shutil.copytree(REPOSITORY / "examples" / example / "package", home.packages / example)
    return home, DATA / FOLDERS[example] / file, REPOSITORY / "examples" / example / f"{file.partition('.')[0]}.yaml"
