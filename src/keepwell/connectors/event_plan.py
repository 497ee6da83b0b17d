"""The second half of a mapping: one event of a row with all its problems, or with everything the log needs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keepwell.connectors.import_map import EventFrom, NameFrom, PropertyFrom, TextFrom
from keepwell.connectors.row_plan import RowPlan
from keepwell.connectors.sql_text import choose, fill, literal, literals
from keepwell.connectors.typed_text import instant_json, number, number_json, says_not_finite, text_json, truth
from keepwell.facts.catalogue import Catalogue

LONGEST_TEXT: Final = 8_192
LONGEST_ID: Final = 512
FIRST_US: Final = 0
AFTER_LAST_US: Final = 253_402_300_800_000_000
FURTHEST_AHEAD: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Problem:
    """A condition that keeps an event out, with the code of its reason and the column to look at."""

    holds: str
    code: str
    column: str


@dataclass(frozen=True, slots=True)
class PropertyPlan:
    """One property: its value as SQL, its JSON text, and whether it has numbers to show."""

    name: str
    value: str
    json: str
    is_number: bool


class EventPlan:
    """How one entry of `events` becomes rows. `types` are those of its properties."""

    def __init__(
        self, rows: RowPlan, index: int, *, types: Mapping[str, str], catalogue: Catalogue, now: datetime
    ) -> None:
        self._rows, self._map, self.index = rows, rows.map, index
        self.event: EventFrom = rows.map.events[index]
        self._types, self._catalogue = types, catalogue
        self._latest_us = _microseconds(now + FURTHEST_AHEAD)
        self.problems: list[Problem] = []
        self.names: dict[str, str] = {}
        """What the words of the name's column stand for; empty when the name is a constant."""
        self.name_table = f"names_{index}"
        self.properties: list[PropertyPlan] = []
        self._account = self._id(self.event.account or self._map.account, "account_missing")
        contact = self.event.contact or self._map.contact
        self._contact = self._id(contact, None) if contact else "NULL::VARCHAR"
        self._name = self._named(self.event.name)
        self._at = self._timed()
        self._message_id = self._identified()
        for name, source in sorted(self.event.properties.items()):
            self.properties.append(self._property(name, source))
        self._given_json = self._given()
        undecided = f"w{index} IS NULL OR skipped IS NULL"
        self.problems.insert(0, Problem(undecided, "condition_unreadable", self._condition_columns()))

    def select(self) -> str:
        """SQL from `prepared` to one row an event; `problem` is the place in `problems`, NULL for a good one."""
        values = "".join(f", {plan.value} AS p{place}" for place, plan in enumerate(self.properties))
        cases = " ".join(f"WHEN {problem.holds} THEN {place}" for place, problem in enumerate(self.problems))
        return fill(
            """
            SELECT line, last_line, $account AS account, $contact AS contact, $name AS name, $at AS at_us,
                $at + $delay AS known_us, $message_id AS message_id, $given AS given$values, CASE $cases END AS problem
            FROM prepared $named WHERE skipped IS DISTINCT FROM TRUE AND w$index IS DISTINCT FROM FALSE ORDER BY line
            """,
            account=self._account,
            contact=self._contact,
            name=self._name,
            at=self._at,
            delay=str(self._delay()),
            message_id=self._message_id,
            given=self._given_json,
            values=values,
            cases=cases,
            named=self._naming(),
            index=str(self.index),
        )

    def _naming(self) -> str:
        column = self.event.name.column
        if column is None:
            return ""
        return f"LEFT JOIN {self.name_table} AS named ON named.word = prepared.{self._rows.text(column)}"

    def props(self) -> str:
        """SQL over the rows of `select`: the properties that have a value as a JSON object, keys in order; or NULL."""
        members = [
            f"{literal(text_key(plan.name))} || {fill(plan.json, value=f'p{place}')}"
            for place, plan in enumerate(self.properties)
        ]
        own = f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'" if members else "'{}'"
        if self.event.properties_from is not None:
            own = f"json_merge_patch(coalesce(given, '{{}}'), {own})::VARCHAR" if members else "given"
        return f"nullif({own}, '{{}}')"

    def _given(self) -> str:
        column = self.event.properties_from
        if column is None:
            return "NULL::VARCHAR"
        found = self._rows.object_of(column)
        self.problems.append(
            Problem(f"{self._rows.text(column)} IS NOT NULL AND {found} IS NULL", "properties_invalid", column)
        )
        return found

    def _delay(self) -> int:
        delay = self.event.known_after if self.event.known_after is not None else self._map.known_after
        return (delay or timedelta()) // timedelta(microseconds=1)

    def _condition_columns(self) -> str:
        conditions = [*self._map.skip_when, *self.event.when]
        return ", ".join(dict.fromkeys(column for condition in conditions for _, column in condition.columns()))

    def _id(self, source: TextFrom, missing: str | None) -> str:
        sql, column = self._joined(source), _columns(source)
        if source.constant is None:
            if missing is not None:
                self.problems.append(Problem(f"{sql} IS NULL", missing, column))
            self.problems.append(Problem(f"contains({sql}, chr(0))", "nul", column))
            self.problems.append(Problem(f"length({sql}) > {LONGEST_ID}", "id_too_long", column))
        return sql

    def _joined(self, source: TextFrom) -> str:
        if source.constant is not None:
            return literal(source.prefix + source.constant)
        parts = [self._rows.text(column) for column in source.columns or [source.column or ""]]
        joined = f" || {literal(source.join)} || ".join(parts)
        return f"({literal(source.prefix)} || {joined})" if source.prefix else f"({joined})"

    def _named(self, source: NameFrom) -> str:
        own = self._catalogue.names()
        if source.column is None:
            return literal(own.get(source.constant or "", source.constant))
        listed = {word: own.get(name, name) for word, name in source.values.items()}
        is_closed = bool(listed) and source.otherwise != "keep"
        self.names = listed if is_closed else {**own, **listed}
        word = self._rows.text(source.column)
        code = "word_not_in_table" if is_closed else "event_unknown"
        self.problems.append(Problem(f"{word} IS NULL", "name_missing", source.column))
        self.problems.append(Problem("named.name IS NULL", code, source.column))
        return "named.name"

    def _timed(self) -> str:
        at, column = self._rows.instant_of(self.event.time), self.event.time.column
        self.problems += [
            Problem(f"{self._rows.text(column)} IS NULL", "time_missing", column),
            Problem(f"{at} IS NULL", "time_unreadable", column),
            Problem(f"{at} < {FIRST_US} OR {at} >= {AFTER_LAST_US}", "time_out_of_range", column),
            Problem(f"{at} > {self._latest_us}", "time_ahead", column),
        ]
        return at

    def _identified(self) -> str:
        source = self._map.message_id
        if source is None:
            return "NULL::VARCHAR"
        sql = self._id(source, "message_id_missing")
        if len(self._map.events) == 1:
            return sql
        label = literal("/" + self.event.id) if self.event.id else f"'/' || {self._name}"
        return f"({sql} || {label})"

    def _property(self, name: str, source: PropertyFrom) -> PropertyPlan:
        kind = self._types[name]
        if source.column is None:
            return _constant_property(name, source, kind)
        value = self._value(source, kind, source.column)
        forms = {"number": number_json("$value"), "boolean": "$value::VARCHAR", "time": instant_json("$value")}
        # `number_json` fills its own sign; the name of the value column is filled in by `props`.
        return PropertyPlan(name, value, forms.get(kind, text_json("$value")), kind == "number")

    def _value(self, source: PropertyFrom, kind: str, column: str) -> str:
        text = self._rows.text(column)
        if kind == "time":
            at = self._rows.instant_of(source)
            self.problems.append(Problem(f"{text} IS NOT NULL AND {at} IS NULL", "time_unreadable", column))
            return at
        if not source.values:
            return self._converted(source, kind, text, text, column)
        kept = self._converted(source, kind, text, text, column) if source.otherwise == "keep" else "NULL"
        if source.otherwise == "reject":
            words = literals(source.values)
            self.problems.append(Problem(f"{text} NOT IN ({words})", "word_not_in_table", column))
        return choose(text, source.values, kept)

    def _converted(self, source: PropertyFrom, kind: str, text: str, given: str, column: str) -> str:
        listed = f"{given} IN ({literals(source.values)})" if source.values else "FALSE"
        needed = f"{given} IS NOT NULL AND NOT {listed}"
        if kind == "boolean":
            self.problems.append(Problem(f"{needed} AND {truth(text)} IS NULL", "boolean_unreadable", column))
            return truth(text)
        if kind == "number":
            value = _scaled(number(text, self._map.numbers), source)
            self.problems.append(Problem(f"{needed} AND {says_not_finite(text)}", "number_not_finite", column))
            self.problems.append(Problem(f"{needed} AND {value} IS NULL", "number_unreadable", column))
            self.problems.append(Problem(f"{needed} AND NOT isfinite({value})", "number_not_finite", column))
            return value
        self.problems.append(Problem(f"{needed} AND contains({text}, chr(0))", "nul", column))
        self.problems.append(Problem(f"{needed} AND strlen({text}) > {LONGEST_TEXT}", "too_long", column))
        return text


def text_key(name: str) -> str:
    """A property's name as the start of a JSON member."""
    return json.dumps(name) + ":"


def _constant_property(name: str, source: PropertyFrom, kind: str) -> PropertyPlan:
    forms = {"number": number_json("$value"), "boolean": "$value::VARCHAR", "time": text_json("$value")}
    return PropertyPlan(name, literal(source.constant), forms.get(kind, text_json("$value")), kind == "number")


def _scaled(value: str, source: PropertyFrom) -> str:
    if source.factor != 1:
        value = f"({value} * {literal(float(source.factor))})"
    if source.divide_by != 1:
        value = f"({value} / {literal(float(source.divide_by))})"
    return f"({value} + {literal(float(source.offset))})" if source.offset else value


def _columns(source: TextFrom) -> str:
    return ", ".join(source.columns or [source.column or ""])


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // timedelta(microseconds=1)
