"""The first half of a mapping: a row with its empty words removed, its times read and its conditions decided."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from keepwell.connectors.condition import Condition, ListedIn, Terms, condition_sql
from keepwell.connectors.import_map import EventFrom, ImportMap, NumberStyle, PropertyFrom, TimeFrom
from keepwell.connectors.sql_text import all_of, any_of, fill, literals
from keepwell.connectors.typed_text import TimeReading, iso_text, number, wall_time, zoned_time

MIDNIGHT: Final = "00:00"


class ColumnPlan:
    """How the columns of a file are read: c0, c1, … as text, NULL when empty, and t0, t1, … as instants.

    Instants are microseconds since 1970, NULL when the text cannot be read as a time.
    """

    def __init__(self, columns: Iterable[str], *, zone: str, nulls: Sequence[str], numbers: NumberStyle) -> None:
        self.columns: tuple[str, ...] = tuple(dict.fromkeys(columns))
        self._zone, self._nulls, self._numbers = zone, nulls, numbers
        self._texts = {column: f"c{index}" for index, column in enumerate(self.columns)}
        self._readings: dict[TimeReading, str] = {}
        self._spelt: dict[str, TimeReading] = {}

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones whose shifts the query joins, as `shift_table` calls them."""
        return tuple(dict.fromkeys(reading.zone for reading in self._readings if reading.zone != "UTC"))

    def objects(self) -> tuple[str, ...]:
        """Columns of `source_rows` beside the texts: o0, o1, … hold the JSON object of the text c0, c1, …"""
        return ()

    def terms(self, table: str = "") -> Terms:
        """How conditions spell the columns; with the name of a table before each when one is given."""
        before = f"{table}." if table else ""
        return Terms(
            lambda column: before + self.text(column),
            lambda column: number(before + self.text(column), self._numbers),
            lambda column: before + self.default_instant(column),
            list_table,
        )

    def text(self, column: str) -> str:
        return self._texts[column]

    def instant_of(self, source: TimeFrom | PropertyFrom) -> str:
        """The column with the instant."""
        zone, whole_day = source.zone or self._zone, isinstance(source, TimeFrom) and source.whole_day
        reading = TimeReading(source.column or "", tuple(source.formats), zone, source.date_at, whole_day)
        self._spelt.setdefault(reading.column, reading)
        return self._name(reading)

    def default_instant(self, column: str) -> str:
        """The instant of a column that a condition names: in the formats that an event gives, else as ISO 8601.

        A date alone is midnight here, so that two dates compare as days whatever hour their events are given.
        """
        spelt = self._spelt.get(column) or TimeReading(column, ("iso",), self._zone, MIDNIGHT)
        return self._name(replace(spelt, date_at=MIDNIGHT))

    def _name(self, reading: TimeReading) -> str:
        return self._readings.setdefault(reading, f"t{len(self._readings)}")

    def prepare(self, decided: Iterable[str] = ()) -> str:
        """SQL from `source_rows` to its columns, then those in `decided`, which may use them."""
        iso = {reading.column: f"iso_{self.text(reading.column)}" for reading, _ in self._times()}
        walls, fixed = [], []
        for reading, name in self._times():
            text = self.text(reading.column)
            walls.append(f"{wall_time(text, iso[reading.column], reading)} AS l{name[1:]}")
            fixed.append(f"{zoned_time(text, iso[reading.column], reading)} AS u{name[1:]}")
        return fill(
            """
            WITH clean AS (SELECT line, last_line$texts FROM source_rows),
            spelt AS (SELECT *$iso FROM clean),
            timed AS (SELECT *$walls FROM spelt),
            placed AS (SELECT line, last_line$names$instants FROM timed $joins)
            SELECT *$decided FROM placed ORDER BY line
            """,
            texts=_listed([*(self._clean(name) for name in self._texts.values()), *self.objects()]),
            iso=_listed(f"{iso_text(self.text(column))} AS {name}" for column, name in iso.items()),
            walls=_listed([*walls, *fixed]),
            names=_listed([*self._texts.values(), *self.objects()]),
            instants=_listed(self._instant(reading, name) for reading, name in self._times()),
            joins=" ".join(_join(reading, name) for reading, name in self._times() if reading.zone != "UTC"),
            decided=_listed(decided),
        )

    def _times(self) -> Iterable[tuple[TimeReading, str]]:
        return self._readings.items()

    def _clean(self, name: str) -> str:
        return f"CASE WHEN trim({name}) IN ({literals(['', *self._nulls])}) THEN NULL ELSE {name} END AS {name}"

    def _instant(self, reading: TimeReading, name: str) -> str:
        wall, fixed, place = f"l{name[1:]}", f"u{name[1:]}", f"z{name[1:]}"
        if reading.zone == "UTC":
            return f"coalesce({fixed}, {wall}) AS {name}"
        return f'coalesce({fixed}, greatest({wall} - {place}."shift", {place}.utc_from)) AS {name}'


class RowPlan(ColumnPlan):
    """The columns that a map uses, whether a row is `skipped`, and w0, w1, …: whether it gives event n.

    `skipped` and w are NULL when a condition cannot be decided.
    """

    def __init__(self, import_map: ImportMap) -> None:
        columns = [column for _, column in import_map.column_uses()]
        super().__init__(columns, zone=import_map.zone, nulls=import_map.nulls, numbers=import_map.numbers)
        self.map = import_map
        for event in import_map.events:
            self.instant_of(event.time)
        for column in self._compared_columns():
            self.default_instant(column)

    def objects(self) -> tuple[str, ...]:
        columns = [event.properties_from for event in self.map.events if event.properties_from is not None]
        return tuple(dict.fromkeys(self.object_of(column) for column in columns))

    def object_of(self, column: str) -> str:
        return "o" + self.text(column)[1:]

    def prepare_rows(self) -> str:
        """SQL from `source_rows` to the content of `prepared`."""
        skipped = any_of(condition_sql(condition, self.terms()) for condition in self.map.skip_when)
        whens = [f"{self._when(event)} AS w{index}" for index, event in enumerate(self.map.events)]
        return self.prepare([f"{skipped} AS skipped", *whens])

    def _when(self, event: EventFrom) -> str:
        conditions = [condition_sql(condition, self.terms()) for condition in event.when]
        if event.name.column is not None and event.name.otherwise == "skip":
            word = self.text(event.name.column)
            conditions.append(f"coalesce({word} IN ({literals(event.name.values)}), FALSE)")
        return all_of(conditions)

    def conditions(self) -> Iterator[Condition]:
        """Those that decide over rows and events."""
        yield from self.map.skip_when
        for event in self.map.events:
            yield from event.when

    def _compared_columns(self) -> Iterable[str]:
        for condition in self.conditions():
            yield from condition.time_columns()
        for check in self.map.checks:
            yield from check.time_columns()


def list_table(listed: ListedIn) -> str:
    """What the table with the words of another file is called in SQL."""
    return "list_" + sha256(listed.model_dump_json().encode()).hexdigest()[:16]


def shift_table(zone: str) -> str:
    """What the table of a zone's shifts is called in SQL."""
    return "zone_" + zone.encode().hex()


def _join(reading: TimeReading, name: str) -> str:
    place = f"z{name[1:]}"
    return f"ASOF LEFT JOIN {shift_table(reading.zone)} {place} ON l{name[1:]} >= {place}.local_from"


def _listed(parts: Iterable[str] | Sequence[str]) -> str:
    return "".join(f", {part}" for part in parts)
