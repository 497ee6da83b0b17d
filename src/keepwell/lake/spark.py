"""Spelling of SQL for Spark."""

from datetime import UTC, datetime


def text(value: str) -> str:
    """A string literal; Spark reads backslashes in it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(value: str) -> str:
    """An identifier."""
    return "`" + value.replace("`", "``") + "`"


def instant(value: datetime) -> str:
    """A literal of an aware instant."""
    return f"TIMESTAMP {text(value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ') + 'Z')}"


def property_from_json(item: str, *, is_text: bool) -> str:
    """One property out of `props`, as the embedded engine reads it."""
    found = f"get_json_object(props, {text(f'$.{item}')})"
    if is_text:
        return found
    flag = f"CASE {found} WHEN 'true' THEN 1D WHEN 'false' THEN 0D ELSE TRY_CAST({found} AS DOUBLE) END"
    return f"COALESCE({flag}, CAST(unix_micros(TRY_CAST({found} AS TIMESTAMP)) AS DOUBLE) / 1000000D)"
