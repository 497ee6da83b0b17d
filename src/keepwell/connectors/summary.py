"""Reading a report out of a staged file."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from keepwell.connectors.findings import examples, find_contradictions
from keepwell.connectors.reasons import REASONS
from keepwell.connectors.report import (
    EventReport,
    IdReport,
    ImportReport,
    PropertyReport,
    RejectReport,
    RowReport,
)
from keepwell.connectors.sql_text import one_row
from keepwell.connectors.staging import Filled, Staged

EXAMPLES: Final = 3
_TOTALS: Final = """
    SELECT count(*), count(DISTINCT account), count(DISTINCT (account, contact)) FILTER (contact IS NOT NULL),
        min(at_us), max(at_us)
    FROM taken
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def report(staged: Staged) -> ImportReport:
    """Everything the file would give, what it would not and why, and what its checks found."""
    plan, reader, rows = staged.plan, staged.reader, staged.rows
    totals = one_row(staged.database, _TOTALS)
    taken, accounts, contacts, first, last = totals
    return ImportReport(
        file=str(reader.path),
        format=reader.format,
        encoding=reader.encoding,
        source=plan.map.source,
        rows=RowReport(read=rows.read, skipped=rows.skipped, without_event=rows.eventless, unreadable=rows.unreadable),
        taken=taken,
        accounts=accounts,
        contacts=contacts,
        first_at=None if first is None else _instant(first),
        last_at=None if last is None else _instant(last),
        ids=_ids(staged),
        events=list(_events(staged)),
        rejected=list(_rejected(staged)),
        findings=find_contradictions(staged),
        notes=[*reader.notes, *_notes(staged)],
    )


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _events(staged: Staged) -> Iterator[EventReport]:
    found = staged.database.execute(
        "SELECT name, count(*), min(at_us), max(at_us) FROM taken GROUP BY name ORDER BY 2 DESC, 1"
    ).fetchall()
    given = _given(staged)
    for name, count, first, last in found:
        filled = {prop: filled for (event, prop), filled in staged.filled.items() if event == name}
        filled |= {prop: Filled(times) for prop, times in given.get(name, {}).items() if prop not in filled}
        properties = [_property(prop, found, count) for prop, found in sorted(filled.items())]
        yield EventReport(
            name=name, count=count, first_at=_instant(first), last_at=_instant(last), properties=properties
        )


def _given(staged: Staged) -> dict[str, dict[str, int]]:
    """How often each property came out of `properties_from`, by event name."""
    if not staged.plan.objects():
        return {}
    found: dict[str, dict[str, int]] = {}
    query = "SELECT name, key, count(*) FROM (SELECT name, unnest(json_keys(props)) AS key FROM taken) GROUP BY ALL"
    for name, key, count in staged.database.execute(query).fetchall():
        found.setdefault(name, {})[key] = count
    return found


def _property(name: str, filled: Filled, events: int) -> PropertyReport:
    return PropertyReport(
        name=name, filled=filled.count, share=filled.count / events, least=filled.least, most=filled.most
    )


def _ids(staged: Staged) -> IdReport:
    source = staged.plan.map.message_id
    key = "digest" if source is None else "message_id"
    (repeated,) = one_row(staged.database, f"SELECT count(*) - count(DISTINCT {key}) FROM taken")  # noqa: S608
    if source is None:
        return IdReport(origin="derived from the content of each event", repeated=repeated)
    return IdReport(
        origin=f"from {', '.join(column for _, column in source.uses()) or 'a constant'}", repeated=repeated
    )


def _rejected(staged: Staged) -> Iterator[RejectReport]:
    groups = staged.database.execute(
        "SELECT code, culprit, list_sort(list(DISTINCT event)), count(*), count(DISTINCT line) FROM refused "
        "GROUP BY code, culprit ORDER BY 4 DESC, min(line), 1, 2"
    ).fetchall()
    for code, column, events, count, rows in groups:
        places = staged.database.execute(
            "SELECT DISTINCT line, last_line FROM refused WHERE code = ? AND culprit IS NOT DISTINCT FROM ? "
            "ORDER BY line LIMIT ?",
            [code, column, EXAMPLES],
        ).fetchall()
        yield RejectReport(
            code=code,
            sentence=REASONS[code],
            events=[staged.plan.map.events[event].label for event in events if event is not None],
            column=column,
            count=count,
            rows=rows,
            examples=examples(staged, places),
        )


def _notes(staged: Staged) -> Iterator[str]:
    columns, expected = staged.reader.columns, staged.plan.map.columns
    if columns is not None and expected:
        extra = [column for column in columns if column not in expected]
        if extra:
            yield f"The file has columns that the map does not expect: {', '.join(extra)}."
    if columns is None:
        # A JSON Lines file has no header, so a misspelt column shows only as one that is empty everywhere.
        yield from (f"No row has {column!r}." for column in staged.plan.columns if column not in staged.columns_seen)
