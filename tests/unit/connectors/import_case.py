"""Small files, maps and a catalogue, and what an import makes of them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from keepwell.connectors.map_loader import check_map, load_map
from keepwell.connectors.open_file import open_file
from keepwell.connectors.rejects import write_rejects
from keepwell.connectors.report import ImportReport
from keepwell.connectors.staging import stage
from keepwell.connectors.summary import report
from keepwell.facts.catalogue import Catalogue, EventShape

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CATALOGUE = Catalogue(
    {
        "feature_used": EventShape.model_validate(
            {
                "title": "Feature used",
                "aliases": ["Feature Used"],
                "properties": {
                    "feature": {"type": "text"},
                    "minutes": {"type": "number"},
                    "core": {"type": "boolean"},
                    "ends_at": {"type": "time"},
                },
            }
        ),
        "signed_in": EventShape(title="Signed in"),
        "subscription_changed": EventShape.model_validate(
            {"title": "Subscription changed", "properties": {"status": {"type": "text"}, "mrr": {"type": "number"}}}
        ),
    }
)
PLAIN_MAP = """\
source: app
account: account
events:
  - name: feature_used
    time: at
    properties: {minutes: minutes}
"""


@dataclass(frozen=True)
class Imported:
    """The events of a file, its rejects as kept, and its report."""

    events: list[dict[str, object]]
    rejects: list[dict[str, object]]
    report: ImportReport

    @property
    def ids(self) -> set[object]:
        return {event["message_id"] for event in self.events}

    def values(self, name: str) -> list[object]:
        return [event[name] for event in self.events]

    def props(self) -> list[object]:
        return [None if event["props"] is None else json.loads(str(event["props"])) for event in self.events]

    def codes(self) -> list[tuple[object, object]]:
        return [(reject["line"], reject["code"]) for reject in self.rejects]


def import_case(folder: Path, content: bytes | str, text: str = PLAIN_MAP, name: str = "file.csv") -> Imported:
    """Import a file of this content by the map of this text, without writing it anywhere."""
    file, map_file = folder / name, folder / "map.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    map_file.write_text(text, encoding="utf-8")
    return import_path(file, map_file)


def import_path(file: Path, map_file: Path) -> Imported:
    loaded = load_map(map_file)
    reader = open_file(file, loaded.map)
    types = check_map(loaded, reader.columns, CATALOGUE)
    rejects = file.parent / "rejects.jsonl"
    rejects.unlink(missing_ok=True)
    with stage(reader, loaded.map, types, CATALOGUE, now=NOW) as staged:
        found = report(staged)
        write_rejects(staged, rejects)
        batches: list[pa.RecordBatch] = list(staged.arrivals())
    lines = rejects.read_text(encoding="utf-8").splitlines() if rejects.exists() else []
    return Imported(
        [row for batch in batches for row in batch.to_pylist()], [json.loads(line) for line in lines], found
    )
