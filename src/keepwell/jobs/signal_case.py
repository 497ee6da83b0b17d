"""Cases of a package, run on a log of their own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa

from keepwell.base.errors import Problem
from keepwell.base.shape import read_shape
from keepwell.base.yaml_source import YamlSource, read_yaml
from keepwell.facts.arrival import ARRIVALS
from keepwell.facts.event_name import NameCode
from keepwell.facts.moment import Moment
from keepwell.health.package import Package, PackageText
from keepwell.jobs.package import CASES, log_columns
from keepwell.lake import duck
from keepwell.lake.duckdb_engine import DuckEngine
from keepwell.lake.encode import Dictionaries, encode
from keepwell.lake.engine import Question
from keepwell.lake.log import EventLog
from keepwell.signals.book import SignalBook
from keepwell.signals.case import AS_OF, Case, CasesFile, events_of, moments
from keepwell.signals.check import load_valid_whole
from keepwell.signals.try_case import try_case

# Every name of the catalogue counts as known: whoever sends events sends more than a case tells of.
KNOWN: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TriedFile:
    """One file of cases: which requirements it shows, how many cases it holds, and what was not as they say."""

    name: str
    shows: Sequence[str]
    cases: int
    problems: Sequence[Problem]


def try_cases(text: PackageText, others: Mapping[str, PackageText], folder: Path) -> list[TriedFile]:
    """Run every case in the sub-folder `cases` of a package's folder; the package must be in order."""
    package, book = load_valid_whole(text, others)
    sources = [
        read_yaml(f"{text.folder}/{CASES}/{path.name}", path.read_text(encoding="utf-8"))
        for path in sorted((folder / CASES).glob("*.yaml"))
    ]
    read = [(source, *_read(source)) for source in sources]
    everything = [case for _, file, _ in read if file for case in file.cases]
    told = _values(package, book, everything) if everything else {}
    tried: list[TriedFile] = []
    first = 1
    for source, file, problems in read:
        name = source.file.rpartition("/")[2]
        if file is None:
            tried.append(TriedFile(name, (), 0, problems))
            continue
        found = [
            source.problem(("cases", place), f"case '{case.case}': {sentence}")
            for place, case in enumerate(file.cases)
            for sentence in _strange_events(package, case)
            or try_case(book, file.about, case, {at: values.get(first + place, {}) for at, values in told.items()})
        ]
        first += len(file.cases)
        tried.append(TriedFile(name, file.shows, len(file.cases), found))
    return tried


def _read(source: YamlSource) -> tuple[CasesFile | None, Sequence[Problem]]:
    if source.problems:
        return None, source.problems
    file, problems, _ = read_shape(CasesFile, source)
    return file, problems


def _strange_events(package: Package, case: Case) -> list[str]:
    """Events or properties that the catalogue does not know would make a case fail, or pass, for no reason."""
    found: list[str] = []
    for event in case.events:
        shape = package.catalogue.events.get(event.event)
        if shape is None:
            found.append(f"the catalogue has no event '{event.event}'.")
        else:
            lacking = [name for name in event.properties() if name not in shape.properties]
            found += [f"'{event.event}' does not carry '{name}'." for name in lacking]
    return found


def _values(
    package: Package, book: SignalBook, cases: Sequence[Case]
) -> dict[datetime, dict[int, Mapping[str, float]]]:
    """What the metrics of the rules are for each case, by its number, as of each moment that somebody looks."""
    names = sorted(package.catalogue.events)
    codes = {name: NameCode(number, KNOWN) for number, name in enumerate(names, 1)}
    question = Question(book.metrics(), codes, [Moment.at(at) for at in moments(cases)])
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events")
        log.create(log_columns(package.catalogue))
        log.append(_rows(package, cases, names), writer=CASES, number=1)
        found = DuckEngine().values(log, question)
    return {
        values.as_of: {
            account: dict(zip(values.metrics, row, strict=True))
            for account, row in zip(values.accounts.tolist(), values.matrix.tolist(), strict=True)
        }
        for values in found
    }


def _rows(package: Package, cases: Sequence[Case], names: Sequence[str]) -> pa.Table:
    told = [
        {
            "account": str(number),
            "contact": event.contact,
            "name": event.event,
            "at": AS_OF - event.ago,
            "known_at": AS_OF - event.ago,
            "source": CASES,
            "message_id": str(place),
            "imported": False,
            "props": json.dumps(event.properties(), default=str),
        }
        for place, (number, event) in enumerate(events_of(cases))
    ]
    people = sorted({(str(row["account"]), str(row["contact"])) for row in told if row["contact"] is not None})
    held = Dictionaries(
        accounts=pa.table(
            {"id": pa.array(range(1, len(cases) + 1), pa.int64()), "key": [str(n) for n in range(1, len(cases) + 1)]}
        ),
        contacts=pa.table(
            {
                "id": pa.array(range(1, len(people) + 1), pa.int64()),
                "account": pa.array([int(account) for account, _ in people], pa.int64()),
                "key": pa.array([key for _, key in people], pa.string()),
            }
        ),
        names=pa.table({"id": pa.array(range(1, len(names) + 1), pa.int32()), "key": list(names)}),
    )
    with duck.session() as database:
        return encode(database, pa.Table.from_pylist(told, schema=ARRIVALS), held, log_columns(package.catalogue))
