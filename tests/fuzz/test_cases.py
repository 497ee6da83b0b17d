"""What fuzzing found once stays mended: every kept input, each in a moment."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.hook import SECRET
from tests.fuzz import door
from tests.fuzz.readers import READERS
from tests.fuzz.seeds import CASES, content, kept, seeds
from tests.fuzz.served import Served, served
from tests.web.serving import keepwell

KEPT = [(target, case) for target in READERS for case in kept(target)]


@pytest.mark.parametrize(("target", "case"), KEPT, ids=[f"{target}-{case.name}" for target, case in KEPT])
def test_a_reader_keeps_its_promises_for_what_broke_it_once(target: str, case: Path) -> None:
    READERS[target](content(case))


@pytest.mark.parametrize("target", sorted(READERS))
def test_a_reader_keeps_its_promises_for_what_fuzzing_begins_with(target: str) -> None:
    for data in seeds(target):
        READERS[target](data)


def test_every_kept_case_has_a_target() -> None:
    assert {folder.name for folder in CASES.iterdir()} <= {*READERS, "api", "door"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    made = keepwell(home, "init", "--email", "ada@example.org")
    assert made.returncode == 0, made.stderr
    with served(home, api_keys=2) as found:
        yield found


def test_the_door_answers_what_broke_it_once_and_loses_nothing(server: Served) -> None:
    for case in kept("door"):
        raw = door.replaced(content(case), door.NO_KEY, server.keys["ing"][0])
        told = door.answer(server.port, raw)
        assert told, case.name
        assert door.complaint(told) == "", case.name
    assert door.takes_good_event(server, server.keys["ing"][1], 1)
    assert server.complaints() == []
    assert door.unsettled(server.home) == []


def test_the_api_refuses_what_broke_it_once(server: Served) -> None:
    for path, status in json.loads((CASES / "api" / "asked.json").read_text(encoding="utf-8")):
        request = (b"GET", path.encode(), [door.bearer(server.keys["red"][0])], b"")
        told = door.answer(server.port, door.spelt(request))
        assert told, path
        assert int(told.split(b" ", 2)[1]) in ({status} if status else {200, 404}), path
    assert SECRET.encode() not in server.log.read_bytes()
