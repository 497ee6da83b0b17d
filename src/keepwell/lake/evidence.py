"""The events behind a signal, and how far each source has told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keepwell.facts.event_name import NameCodes
from keepwell.facts.moment import Moment
from keepwell.lake import duck
from keepwell.lake.history import among, cut, props_told, reading
from keepwell.lake.log import EventLog
from keepwell.metrics.event_filter import EventFilter


@dataclass(frozen=True, slots=True)
class Witness:
    """An event that stands behind a signal; `name` is a code of the dictionary."""

    name: int
    at: datetime
    known_at: datetime
    is_imported: bool
    source: str
    message_id: str
    props: Mapping[str, object]


def newest_events(
    log: EventLog,
    filters: Sequence[EventFilter],
    names: NameCodes,
    accounts: Sequence[int],
    moment: Moment,
    *,
    most: int,
    since: datetime | None = None,
) -> dict[int, list[Witness]]:
    """Of each account the newest events that one of the filters reads, newest first; some accounts may have none."""
    files = [file.path for file in log.files(accounts)]
    if not files or not filters or not accounts:
        return {}
    begun = f' AND "at" >= {duck.instant(since)}' if since else ""
    query = (
        'SELECT account, name, "at", known_at, imported AS is_imported, source, message_id, props '
        f"FROM {duck.files(files)} "
        f"WHERE {cut(moment)} {among(accounts)}{begun} "
        f"AND ({reading(log, filters, names)}) "
        f'QUALIFY row_number() OVER (PARTITION BY account ORDER BY "at" DESC, tie DESC) <= {int(most)} '
        'ORDER BY "at" DESC, tie DESC'
    )
    found: dict[int, list[Witness]] = {}
    for row in duck.rows(query):
        account, props = row.pop("account"), props_told(row.pop("props"))
        found.setdefault(account, []).append(Witness(**row, props=props))
    return found


def newest_since(
    log: EventLog,
    filters: Sequence[EventFilter],
    names: NameCodes,
    accounts: Mapping[int, datetime],
    moment: Moment,
) -> dict[int, datetime]:
    """The time of each account's newest live event that one of the filters reads and that came in from a moment on.

    The moment is each account's own; some may have no such event.
    """
    files = [file.path for file in log.files(list(accounts))]
    if not files or not filters or not accounts:
        return {}
    begun = ", ".join(f"({int(account)}, {duck.instant(since)})" for account, since in accounts.items())
    query = (
        f'SELECT account, max("at") AS newest FROM {duck.files(files)} '
        f"JOIN (VALUES {begun}) AS asked(account, since) USING (account) "
        f"WHERE {cut(moment)} AND known_at >= asked.since AND NOT imported "
        f"AND ({reading(log, filters, names)}) GROUP BY account"
    )
    return {row["account"]: row["newest"] for row in duck.rows(query)}


def newest_sources(
    log: EventLog,
    asked: Mapping[str, Sequence[EventFilter]],
    names: NameCodes,
    accounts: Sequence[int],
    moment: Moment,
) -> dict[str, dict[int, str]]:
    """By each name asked for the source of every account's newest event that one of its filters reads, if any.

    Whatever is asked for, the log is read once.
    """
    files = [file.path for file in log.files(accounts)]
    if not files or not asked or not accounts:
        return {name: {} for name in asked}
    reads = [reading(log, filters, names) for filters in asked.values()]
    newest = ", ".join(
        f'arg_max(source, ("at", tie)) FILTER (WHERE {read}) AS newest_{place}' for place, read in enumerate(reads)
    )
    query = (
        f"SELECT account, {newest} FROM {duck.files(files)} "
        f"WHERE {cut(moment)} {among(accounts)} "
        f"AND ({' OR '.join(f'({read})' for read in reads)}) GROUP BY account"
    )
    rows = duck.rows(query)
    return {
        name: {row["account"]: row[f"newest_{place}"] for row in rows if row[f"newest_{place}"] is not None}
        for place, name in enumerate(asked)
    }


def told_until(log: EventLog, moment: Moment, since: datetime) -> dict[str, datetime]:
    """The time of the newest event that each source has told of, as known at the moment; none older than `since`."""
    told = _told([file.path for file in log.files()])
    # What a file says as a whole counts where all of it had happened and was known.
    is_whole = {
        path: all(one.newest < moment.happened_before and one.known < moment.known_before for one in some)
        for path, some in told.items()
    }
    newest = [(one.source, one.newest) for path, some in told.items() if is_whole[path] for one in some]
    newest += _told_by([path for path in told if not is_whole[path]], moment)
    found: dict[str, datetime] = {}
    for source, at in newest:
        if at >= since:
            found[source] = max(at, found.get(source, at))
    return found


@dataclass(frozen=True, slots=True)
class _ToldInFile:
    source: str
    newest: datetime
    known: datetime


# Files of the log never change, so each is read once; those that are merged away are forgotten with the oldest.
_FILES_KEPT: Final = 10_000
_kept: dict[str, tuple[_ToldInFile, ...]] = {}


def _told(paths: Sequence[str]) -> dict[str, tuple[_ToldInFile, ...]]:
    """By file, the newest event of each source in it, and when the last of its events became known."""
    fresh = [path for path in paths if path not in _kept]
    if fresh:
        query = (
            'SELECT filename, source, max("at") AS newest, max(known_at) AS known '
            f"FROM {duck.files(fresh, with_name=True)} GROUP BY filename, source"
        )
        rows = duck.rows(query)
        while len(_kept) + len(fresh) > _FILES_KEPT and _kept:
            _kept.pop(next(iter(_kept)), None)
        by_file: dict[str, list[_ToldInFile]] = {path: [] for path in fresh}
        for row in rows:
            by_file[row.pop("filename")].append(_ToldInFile(**row))
        _kept.update({path: tuple(some) for path, some in by_file.items()})
    return {path: _kept[path] for path in paths}


def _told_by(paths: Sequence[str], moment: Moment) -> list[tuple[str, datetime]]:
    if not paths:
        return []
    query = f'SELECT source, max("at") AS newest FROM {duck.files(paths)} WHERE {cut(moment)} GROUP BY source'
    return [(row["source"], row["newest"]) for row in duck.rows(query)]
