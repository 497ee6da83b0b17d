"""SQL that reads a text column as a number, a truth value or an instant; what cannot be read is NULL."""

from dataclasses import dataclass
from datetime import time
from typing import Final

from keepwell.connectors.import_map import NumberStyle
from keepwell.connectors.sql_text import fill, literal, literals

DAY_US: Final = 86_400_000_000
TRUE_WORDS: Final = ("true", "t", "yes", "y", "1", "1.0")
FALSE_WORDS: Final = ("false", "f", "no", "n", "0", "0.0")
NOT_FINITE: Final = ("nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")

_DATE: Final = r"\d{4}-\d\d-\d\d"
_CLOCK: Final = r"[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?"
_ZONE: Final = r" ?([Zz]|[+-]\d\d(:?\d\d)?)"


@dataclass(frozen=True, slots=True)
class TimeReading:
    """How one column is read as an instant."""

    column: str
    formats: tuple[str, ...]
    zone: str
    date_at: str
    whole_day: bool = False


def number(text: str, style: NumberStyle) -> str:
    """A DOUBLE; not finite when the digits say so much that a DOUBLE cannot hold it."""
    decimal = "," if style.decimal == "," else r"\."
    plain = rf"[+-]?(\d+({decimal}\d*)?|{decimal}\d+)([eE][+-]?\d+)?"
    bare = f"trim({text})"
    if style.thousands:
        mark = rf"\{style.thousands}"
        plain += rf"|[+-]?\d{{1,3}}({mark}\d{{3}})+({decimal}\d+)?"
    form = literal(plain)
    digits = f"replace({bare}, {literal(style.thousands)}, '')" if style.thousands else bare
    if style.decimal == ",":
        digits = f"replace({digits}, ',', '.')"
    return f"(CASE WHEN regexp_full_match({bare}, {form}) THEN TRY_CAST({digits} AS DOUBLE) END)"


def says_not_finite(text: str) -> str:
    return f"lower(trim({text})) IN ({literals(NOT_FINITE)})"


def truth(text: str) -> str:
    return (
        f"(CASE WHEN lower(trim({text})) IN ({literals(TRUE_WORDS)}) THEN TRUE "
        f"WHEN lower(trim({text})) IN ({literals(FALSE_WORDS)}) THEN FALSE END)"
    )


def number_json(value: str) -> str:
    """The one way a DOUBLE is written in JSON, so that equal numbers give equal texts in every file format."""
    return fill(
        "CASE WHEN $v = trunc($v) AND abs($v) < 9007199254740992 THEN $v::BIGINT::VARCHAR ELSE $v::VARCHAR END", v=value
    )


def instant_json(value: str) -> str:
    return f"'\"' || strftime(make_timestamp({value}), '%Y-%m-%dT%H:%M:%S.%fZ') || '\"'"


def text_json(value: str) -> str:
    return f"to_json({value})::VARCHAR"


def wall_time(text: str, reading: TimeReading) -> str:
    """Microseconds since 1970 on the local clock, of values that carry no zone."""
    found = [sql for one in reading.formats if (sql := _wall(f"trim({text})", one, _clock_us(reading.date_at)))]
    if not reading.whole_day:
        return f"coalesce({', '.join(found)}, NULL)" if found else "NULL::BIGINT"
    of_day = [*found, *_fixed_parts(text, reading)]
    return f"(coalesce({', '.join(of_day)}, NULL) // {DAY_US} * {DAY_US} + {_clock_us(reading.date_at)})"


def zoned_time(text: str, reading: TimeReading) -> str:
    """Microseconds since 1970 in UTC, of values that carry their zone."""
    found = _fixed_parts(text, reading)
    return f"coalesce({', '.join(found)}, NULL)" if found and not reading.whole_day else "NULL::BIGINT"


def _fixed_parts(text: str, reading: TimeReading) -> list[str]:
    return [sql for one in reading.formats if (sql := _fixed(f"trim({text})", one))]


def _wall(text: str, form: str, date_at: int) -> str:
    if form == "iso":
        return fill(
            "CASE WHEN regexp_full_match($t, $date) THEN epoch_us(TRY_CAST($t AS TIMESTAMP)) + $date_at "
            "WHEN regexp_full_match($t, $naive) THEN epoch_us(TRY_CAST(replace($t, ',', '.') AS TIMESTAMP)) END",
            t=text,
            date=literal(_DATE),
            naive=literal(_DATE + _CLOCK),
            date_at=str(date_at),
        )
    if form in ("unix", "unix_ms") or "%z" in form:
        return ""
    extra = 0 if any(mark in form for mark in ("%H", "%I", "%X", "%c", "%s")) else date_at
    return f"epoch_us(try_strptime({text}, {literal(form)})) + {extra}"


def _fixed(text: str, form: str) -> str:
    if form == "iso":
        return fill(
            "CASE WHEN regexp_full_match($t, $zoned) THEN epoch_us(TRY_CAST(replace($t, ',', '.') AS TIMESTAMPTZ)) END",
            t=text,
            zoned=literal(_DATE + _CLOCK + _ZONE),
        )
    if form in ("unix", "unix_ms"):
        scale = 1_000_000 if form == "unix" else 1_000
        return f"TRY_CAST(TRY_CAST({text} AS DECIMAL(24, 6)) * {scale} AS BIGINT)"
    return f"epoch_us(try_strptime({text}, {literal(form)}))" if "%z" in form else ""


def _clock_us(clock: str) -> int:
    found = time.fromisoformat(clock)
    return ((found.hour * 60 + found.minute) * 60 + found.second) * 1_000_000
