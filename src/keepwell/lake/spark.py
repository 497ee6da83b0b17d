"""Spelling of SQL for Spark."""

from datetime import UTC, datetime

from keepwell.lake.log import TIME
from keepwell.lake.snapshot import PropertyColumn


def text(value: str) -> str:
    """A string literal; Spark reads backslashes in it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(value: str) -> str:
    """An identifier."""
    return "`" + value.replace("`", "``") + "`"


def instant(value: datetime) -> str:
    """A literal of an aware instant."""
    return f"TIMESTAMP {text(value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ') + 'Z')}"


def property_from_json(item: str, kind: PropertyColumn) -> str:
    """One property out of `props`, as the embedded engine reads it."""
    path = text(f"$['{item}']")
    told = f"get_json_object(props, {path})"
    if kind == "text":
        return told
    number = f"TRY_CAST({told} AS DOUBLE)"
    finite = f"CASE WHEN abs({number}) < DOUBLE('Infinity') THEN {number} END"
    time = f"CASE WHEN {told} RLIKE {text(TIME)} THEN unix_micros(TRY_CAST({told} AS TIMESTAMP)) / 1000000D END"
    return f"CASE {told} WHEN 'true' THEN 1D WHEN 'false' THEN 0D ELSE COALESCE({finite}, {time}) END"
