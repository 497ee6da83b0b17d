"""What an import says of itself. These shapes are what `keepwell import --json` prints."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Said(BaseModel):
    """A part of the report."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(Said):
    """A row to look at; `line` is the physical line in the file, in Parquet the number of the row."""

    line: int
    row: str


class PropertyReport(Said):
    """`filled` of the events of this name have the property; `least` and `most` are given for numbers."""

    name: str
    filled: int
    share: float
    least: float | None = None
    most: float | None = None


class EventReport(Said):
    """The events of one name that can be taken."""

    name: str
    count: int
    first_at: datetime
    last_at: datetime
    properties: list[PropertyReport]


class RejectReport(Said):
    """Events that cannot be taken for one reason, `count` of them in `rows` rows.

    `events` is empty when the rows cannot be read at all; each counts as one.
    """

    code: str
    sentence: str
    events: list[str]
    column: str | None
    count: int
    rows: int
    examples: list[Example]


class CaseReport(Said):
    """One way in which rows break a check."""

    words: str
    count: int


class Finding(Said):
    """A check of the map: `contradicting` of the `judged` rows break it. `unchecked` says why it could not be made."""

    id: str
    kind: str
    title: str
    judged: int
    contradicting: int
    share: float
    cases: list[CaseReport]
    examples: list[Example]
    unchecked: str | None = None


class RowReport(Said):
    """Rows of the file: skipped by `skip_when`, without any event, unreadable, and all together."""

    read: int
    skipped: int
    without_event: int
    unreadable: int


class IdReport(Said):
    """Where message ids come from; `repeated` events have an id that an earlier one in the file has."""

    origin: str
    repeated: int


class Written(Said):
    """received = accepted + duplicate + conflict + rejected, in events (an unreadable row counts as one)."""

    run: int
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    rejects_file: str | None
    conflicting_ids: list[str]


class ImportReport(Said):
    """One import, or what it would do (`written` is None)."""

    file: str
    format: str
    encoding: str | None
    source: str
    rows: RowReport
    taken: int
    accounts: int
    contacts: int
    first_at: datetime | None
    last_at: datetime | None
    ids: IdReport
    events: list[EventReport]
    rejected: list[RejectReport]
    findings: list[Finding]
    notes: list[str]
    written: Written | None = None
