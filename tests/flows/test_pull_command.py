"""The command keepwell pull, in a process of its own."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.connectors.rest_server import Api, HubSpot, Zendesk, serving
from tests.flows.pull_records import company, ticket


def command(home: Path, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "keepwell.cli.main", *words],
        env={"KEEPWELL_HOME": str(home), "HOME": str(home.parent / "user"), "PATH": ""},
        input=text, capture_output=True, text=True, check=False, cwd=home.parent,
    )  # fmt: skip


def test_the_command_pulls_all_sources_and_stays_in_its_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "user").mkdir()
    assert command(home, "init", "--email", "ann@example.org").returncode == 0
    with ExitStack() as stack:
        for name, connector in (("crm", "hubspot"), ("desk", "zendesk")):
            api = Api(HubSpot([company(1), company(2)]) if connector == "hubspot" else Zendesk([ticket(1)]))
            url = stack.enter_context(serving(api))
            added = command(
                home, "source", "add", name, "--connector", connector, "--setting", f"url={url}", "--secret-stdin",
                text="pull:t0ken\n",
            )  # fmt: skip
            assert added.returncode == 0, added.stderr
        found = command(home, "pull", "--all", "--json")
        assert found.returncode == 0, found.stderr
        told = json.loads(found.stdout)["sources"]
        assert told["crm"]["companies"] == {"records": 2, "events": 2, "known": 0, "rejected": 0}
        assert told["desk"]["tickets"]["events"] == 1
        again = command(home, "pull", "crm")
        assert again.returncode == 0, again.stderr
        assert "crm     companies  2        0           2" in again.stdout, again.stdout
        assert "t0ken" not in found.stdout + found.stderr + again.stdout + again.stderr
    refused = command(home, "pull")
    assert (refused.returncode, refused.stderr.startswith("Expected the name of a source")) == (1, True)
    assert list((tmp_path / "user").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "user"]
