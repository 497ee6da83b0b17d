"""Importing a file: read and mapped whole first, then written through the one door of the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keepwell.base.home import Home
from keepwell.connectors.import_map import ImportMap
from keepwell.connectors.map_loader import check_map, load_map, standard_map
from keepwell.connectors.open_file import open_file
from keepwell.connectors.readers.reader import FileReader
from keepwell.connectors.rejects import write_rejects
from keepwell.connectors.report import ImportReport, Written
from keepwell.connectors.staging import Staged, stage
from keepwell.connectors.summary import report
from keepwell.facts.catalogue import Catalogue
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.ingest import ImportPlan, do_close_import, do_import_events
from keepwell.jobs.mapping import do_derive_history
from keepwell.jobs.package import log_columns, ready_log
from keepwell.jobs.project import do_project_accounts

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ReadyImport:
    """A file and a map that fit each other and the catalogue; nothing has been read but the header."""

    reader: FileReader
    map: ImportMap
    types: Mapping[tuple[int, str], str]
    catalogue: Catalogue


def ready_import(home: Home, file: Path, map_file: Path | None, *, source: str | None = None) -> ReadyImport:
    """Raises PackageError with every wrong name of the map, UserError for a file that cannot be read at all.

    Without a map the file must have the usual columns: account_id, event and timestamp at least.
    """
    loaded = load_map(map_file) if map_file is not None else standard_map(None)
    reader = open_file(file, loaded.map)
    if map_file is None:
        loaded = standard_map(reader.columns)
    catalogue = read_catalogue(home)
    types = check_map(loaded, reader.columns, catalogue)
    import_map = loaded.map if source is None else loaded.map.model_copy(update={"source": source})
    return ReadyImport(reader, import_map, types, catalogue)


def preview_import(ready: ReadyImport, *, now: datetime, progress: Progress) -> ImportReport:
    """What the import would take and what not; nothing is written."""
    with stage(ready.reader, ready.map, ready.types, ready.catalogue, now=now, progress=progress) as staged:
        return report(staged)


def do_import_file(home: Home, ready: ReadyImport, *, by: str, now: datetime, progress: Progress) -> ImportReport:
    """Take what can be taken and keep the rest in a rejects file. Running it again changes nothing.

    A file that turns out to be damaged is refused whole.
    """
    with stage(ready.reader, ready.map, ready.types, ready.catalogue, now=now, progress=progress) as staged:
        found = report(staged)
        return found.model_copy(update={"written": _write(home, staged, found, ready.catalogue, by=by, now=now)})


def _write(home: Home, staged: Staged, found: ImportReport, catalogue: Catalogue, *, by: str, now: datetime) -> Written:
    path = home.rejects / f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{staged.reader.path.name}.jsonl"
    rejected = write_rejects(staged, path)
    kept = str(path) if rejected else ""
    ready_log(home, log_columns(catalogue))
    do_derive_history(home, by=by, now=now)
    plan = ImportPlan(source=found.source, file_name=found.file, rejects_file=kept)
    outcome = do_import_events(home, staged.arrivals(), plan, by=by, now=now)
    findings = [finding.model_dump(mode="json") for finding in found.findings]
    do_close_import(outcome, rejected=rejected, findings=findings, by=by, now=now)
    do_project_accounts(home, sorted(outcome.accounts), now=now)
    return Written(
        run=outcome.run_id,
        received=outcome.received,
        accepted=outcome.accepted,
        duplicate=outcome.duplicate,
        conflict=outcome.conflict,
        rejected=outcome.rejected,
        rejects_file=kept or None,
        conflicting_ids=outcome.conflicting_ids,
    )
