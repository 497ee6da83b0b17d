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

_ISO: Final = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?([Zz]|[+-]\d\d(:?\d\d)?))?)?"


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


def iso_text(text: str) -> str:
    """The trimmed text when it is a date or time of ISO 8601, else NULL. DuckDB's own cast takes far more than that."""
    return fill(
        "CASE WHEN regexp_full_match(trim($t), $form) THEN replace(trim($t), ',', '.') END", t=text, form=literal(_ISO)
    )


def wall_time(text: str, iso: str, reading: TimeReading) -> str:
    """Microseconds since 1970 on the local clock, of values that carry no zone. `iso` is the column of `iso_text`."""
    date_at = _clock_us(reading.date_at)
    found = [sql for one in reading.formats if (sql := _wall(f"trim({text})", iso, one, date_at))]
    if not reading.whole_day:
        return _first(found)
    return f"({_first([*found, *_fixed_parts(text, iso, reading)])} // {DAY_US} * {DAY_US} + {date_at})"


def zoned_time(text: str, iso: str, reading: TimeReading) -> str:
    """Microseconds since 1970 in UTC, of values that carry their zone."""
    return _first([] if reading.whole_day else _fixed_parts(text, iso, reading))


def _fixed_parts(text: str, iso: str, reading: TimeReading) -> list[str]:
    return [sql for one in reading.formats if (sql := _fixed(f"trim({text})", iso, one))]


def _first(values: list[str]) -> str:
    return f"coalesce({', '.join(values)})" if values else "NULL::BIGINT"


def _wall(text: str, iso: str, form: str, date_at: int) -> str:
    if form == "iso":
        return fill(
            "CASE WHEN length($iso) = 10 THEN epoch_us(TRY_CAST($iso AS TIMESTAMP)) + $date_at "
            "WHEN NOT ($zoned) THEN epoch_us(TRY_CAST($iso AS TIMESTAMP)) END",
            iso=iso,
            zoned=_has_zone(iso),
            date_at=str(date_at),
        )
    if form in ("unix", "unix_ms") or "%z" in form:
        return ""
    extra = 0 if any(mark in form for mark in ("%H", "%I", "%X", "%c", "%s")) else date_at
    return f"epoch_us(try_strptime({text}, {literal(form)})) + {extra}"


def _fixed(text: str, iso: str, form: str) -> str:
    if form == "iso":
        return f"CASE WHEN {_has_zone(iso)} THEN epoch_us(TRY_CAST({iso} AS TIMESTAMPTZ)) END"
    if form in ("unix", "unix_ms"):
        scale = 1_000_000 if form == "unix" else 1_000
        return f"TRY_CAST(TRY_CAST({text} AS DECIMAL(24, 6)) * {scale} AS BIGINT)"
    return f"epoch_us(try_strptime({text}, {literal(form)}))" if "%z" in form else ""


def _has_zone(iso: str) -> str:
    return f"length({iso}) > 10 AND length(translate(substr({iso}, 11), 'Zz+-', '')) < length({iso}) - 10"


def _clock_us(clock: str) -> int:
    found = time.fromisoformat(clock)
    return ((found.hour * 60 + found.minute) * 60 + found.second) * 1_000_000
