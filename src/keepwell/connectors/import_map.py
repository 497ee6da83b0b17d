"""The shape of an import map: which column of a file is what.

```yaml
source: shop                       # who says so; part of the identity of every event
zone: Europe/Berlin                # of times without a zone; UTC when left out
account: customer_no               # ids are text: 001 stays 001
events:
  - name: feature_used
    time: {column: day, formats: ["%d.%m.%Y"], date_at: "12:00"}
    when: {column: minutes, above: 0}
    properties:
      feature: {column: module}
      session_minutes: {column: seconds, divide_by: 60}
```

A plain text stands for `{column: …}`, except at `name`, where it is the name itself.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from keepwell.base.errors import nearest
from keepwell.base.periods import Period
from keepwell.connectors.checks.check import AnyCheck
from keepwell.connectors.condition import ColumnName, Conditions, Place, Shape, Word, as_list

PropertyType = Literal["number", "text", "boolean", "time"]
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


def _one_column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _constant_name(value: object) -> object:
    return {"constant": value} if isinstance(value, str) else value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        hint = nearest(value, sorted(available_timezones()))
        sentence = f"{value!r} is not a time zone of the IANA database.{hint}"
        raise PydanticCustomError("zone", "{sentence}", {"sentence": sentence}) from None
    return value


def _clock(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise PydanticCustomError("clock", "'{value}' is not a time of day such as '09:00'.", {"value": value})
    return value


Zone = Annotated[Word, AfterValidator(_known_zone)]
TimeOfDay = Annotated[Word, AfterValidator(_clock)]


class TextFrom(Shape):
    """A text of a row: one column, several columns joined, or the same for every row."""

    column: ColumnName | None = None
    columns: list[ColumnName] | None = Field(default=None, min_length=1)
    join: Word = "/"
    constant: Annotated[str, StringConstraints(strict=True, min_length=1)] | None = None
    prefix: Word = ""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [field for field in ("column", "columns", "constant") if field in self.model_fields_set]
        if len(given) != 1:
            raise PydanticCustomError("origin", "give exactly one of column, columns and constant.")
        return self

    def uses(self) -> Iterator[tuple[Place, str]]:
        if self.column is not None:
            yield ("column",), self.column
        for index, column in enumerate(self.columns or ()):
            yield ("columns", index), column


class NameFrom(Shape):
    """The name of the event: the same for every row, or from a column with a table.

    `otherwise` says what becomes of a word that the table does not hold: `reject` it, `skip` the event, or `keep` the
    word as the name. Without a table the words of the column are the names.
    """

    constant: Word | None = None
    column: ColumnName | None = None
    values: dict[Word, Word] = Field(default_factory=dict)
    otherwise: Literal["reject", "skip", "keep"] = "reject"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.constant is None) == (self.column is None):
            raise PydanticCustomError("origin", "give exactly one of constant and column.")
        return self


class TimeFrom(Shape):
    """An instant from a column.

    `formats` are tried in order: `iso`, `unix` (seconds), `unix_ms`, or a pattern such as `%d.%m.%Y %H:%M`. A time
    without a zone is local time in `zone`: in the hour that a clock skips it is the first instant after it, in the hour
    that a clock repeats it is the first of the two. A date alone is taken at `date_at` of that day; with `whole_day`
    every value stands for its day, whatever hour it carries.
    """

    column: ColumnName
    formats: list[Word] = Field(default=["iso"], min_length=1)
    zone: Zone | None = None
    date_at: TimeOfDay = "00:00"
    whole_day: bool = False

    @field_validator("formats")
    @classmethod
    def _readable(cls, formats: list[str]) -> list[str]:
        for one in formats:
            if one not in ("iso", "unix", "unix_ms") and "%" not in one:
                sentence = (
                    f"{one!r} is not a format of times; expected iso, unix, unix_ms or a pattern such as %d.%m.%Y."
                )
                raise PydanticCustomError("time_format", "{sentence}", {"sentence": sentence})
        return formats


class PropertyFrom(Shape):
    """A property of the event: a column or a constant, and how to convert it.

    A number becomes value * factor / divide_by + offset. `values` translates words; one that is not in the table is
    handled as `otherwise` says. The type is the catalogue's; `undeclared: true` keeps a property that no catalogue
    declares, which then needs a type and cannot be read by a metric.
    """

    column: ColumnName | None = None
    constant: bool | float | str | None = None
    type: PropertyType | None = None
    factor: float = 1
    divide_by: float = 1
    offset: float = 0
    values: dict[Word, bool | float | str | None] = Field(default_factory=dict)
    otherwise: Literal["reject", "keep", "empty"] = "reject"
    formats: list[Word] = Field(default=["iso"], min_length=1)
    zone: Zone | None = None
    date_at: TimeOfDay = "00:00"
    undeclared: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise PydanticCustomError("origin", "give exactly one of column and constant.")
        if self.divide_by == 0:
            raise PydanticCustomError("divide", "divide_by is 0; expected another number.")
        return self


TextSource = Annotated[TextFrom, BeforeValidator(_one_column)]
TimeSource = Annotated[TimeFrom, BeforeValidator(_one_column)]
NameSource = Annotated[NameFrom, BeforeValidator(_constant_name)]
PropertySource = Annotated[PropertyFrom, BeforeValidator(_one_column)]


class EventFrom(Shape):
    """One event that a row gives when all conditions of `when` hold.

    `id` is what the event adds to the message id of its row; it is needed only when two events have the same name.
    `account` and `contact` replace those of the map for this event. `properties_from` is a column that holds a JSON
    object of properties, which are taken as they are; those in `properties` win over it.
    """

    name: NameSource
    id: Annotated[str, StringConstraints(strict=True, min_length=1)] | None = None
    time: TimeSource
    when: Conditions = Field(default_factory=list)
    account: TextSource | None = None
    contact: TextSource | None = None
    known_after: Period | None = None
    properties: dict[Word, PropertySource] = Field(default_factory=dict)
    properties_from: ColumnName | None = None

    @property
    def label(self) -> str:
        """What the event is called in reports and, when a row may give several, in message ids."""
        return self.id or self.name.constant or self.name.column or ""


class CsvDialect(Shape):
    """How the text file is written; what is left out is found from the header."""

    delimiter: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1)] | None = None
    quote: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1)] = '"'
    escape: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1)] | None = None
    header: bool = True
    skip_lines: int = Field(default=0, ge=0)


class NumberStyle(Shape):
    """How numbers are written: `decimal: ","` and `thousands: "."` read 1.234,50."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", "'", " "] = ""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.decimal == self.thousands:
            raise PydanticCustomError("number_style", "decimal and thousands are the same sign.")
        return self


class ImportMap(Shape):
    """An import map.

    `columns` lists what the file is expected to have; it names the columns of a file without a header.
    """

    source: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
    about: str = ""
    format: Literal["csv", "jsonl", "parquet"] | None = None
    encoding: Literal["utf-8", "latin-1", "windows-1252"] | None = None
    csv: CsvDialect = CsvDialect()
    numbers: NumberStyle = NumberStyle()
    columns: list[ColumnName] = Field(default_factory=list)
    nulls: list[Word] = Field(default_factory=list)
    zone: Zone = "UTC"
    known_after: Period | None = None
    skip_when: Conditions = Field(default_factory=list)
    account: TextSource
    contact: TextSource | None = None
    message_id: TextSource | None = None
    events: Annotated[list[EventFrom], BeforeValidator(as_list)] = Field(min_length=1)
    checks: list[AnyCheck] = Field(default_factory=list)

    def column_uses(self) -> Iterator[tuple[Place, str]]:
        """Every column of the imported file that the map names, with the place in the map."""
        for field in ("account", "contact", "message_id"):
            yield from _under((field,), getattr(self, field))
        for index, condition in enumerate(self.skip_when):
            yield from ((("skip_when", index, *place), column) for place, column in condition.columns())
        for index, event in enumerate(self.events):
            yield from ((("events", index, *place), column) for place, column in _event_uses(event))
        for index, check in enumerate(self.checks):
            yield from ((("checks", index, *place), column) for place, column in check.uses())


def _under(place: Place, text: TextFrom | None) -> Iterator[tuple[Place, str]]:
    if text is not None:
        yield from (((*place, *inner), column) for inner, column in text.uses())


def _event_uses(event: EventFrom) -> Iterator[tuple[Place, str]]:
    if event.name.column is not None:
        yield ("name", "column"), event.name.column
    yield ("time", "column"), event.time.column
    yield from _under(("account",), event.account)
    yield from _under(("contact",), event.contact)
    for index, condition in enumerate(event.when):
        yield from ((("when", index, *place), column) for place, column in condition.columns())
    if event.properties_from is not None:
        yield ("properties_from",), event.properties_from
    for name, source in event.properties.items():
        if source.column is not None:
            yield ("properties", name, "column"), source.column
