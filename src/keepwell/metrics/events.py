"""The relation a metric reads and the aggregates it may build over it.

`events_as_of` holds the events that had happened and were known by each `as_of`, so a metric cannot
see the future. Every aggregate takes a condition and is exact: sums are decimals and ties of equal
times are broken by the event's identity, so the order of arrival never shows.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from operator import and_, ge, gt, le, lt
from typing import Any, Final, cast

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from keepwell.metrics.event_filter import Condition, EventFilter, Mention, PropertyType, Range, Sign

RELATION = "events_as_of"
CONTACT = "contact"
KEYS = ("as_of", "account")
MICROSECONDS_AN_HOUR = 3_600_000_000
MICROSECONDS_A_DAY = 24 * MICROSECONDS_AN_HOUR
# A day set is a 64-bit mask per 60 days: bit n stands for the n-th day of its stretch.
DAYS_A_MASK = 60
# Numbers beyond this are taken as not told: a sum of a hundred billion of them still fits a decimal.
LARGEST_NUMBER = 1e18

SIGNS: Final[Mapping[Sign, Callable[[Any, float], Any]]] = {">=": ge, ">": gt, "<": lt, "<=": le}

# A whole number too large for 64 bits; the compiler gives each engine its fastest type for it.
INTEGER = dt.Decimal(38, 0)
TIES = 2**64

BASE_SCHEMA: Mapping[str, str] = {
    "as_of": "timestamp('UTC')",
    "account": "int64",
    "contact": "int64",
    "name": "int32",
    "age": "int64",
    "days_ago": "int32",
    "tie": "int64",
}


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def bit_count(mask: dt.int64) -> dt.int32:
    """Number of ones; both engines have it under this name."""


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def bit_or(mask: dt.int64) -> dt.int64:
    """Union of masks; both engines have it under this name."""


# Ibis writes its own `argmin` as an ordered FIRST for DuckDB, which takes half as long again.
@ibis.udf.agg.builtin(name="min_by")  # type: ignore[untyped-decorator]
def number_of_least(number: dt.float64, key: INTEGER) -> dt.float64:  # type: ignore[valid-type]
    """The number beside the smallest key, events without a key left out; both engines have it under this name."""


@ibis.udf.agg.builtin(name="min_by")  # type: ignore[untyped-decorator]
def text_of_least(text: dt.string, key: INTEGER) -> dt.string:  # type: ignore[valid-type]
    """The text beside the smallest key, events without a key left out."""


def column_of(property_name: str) -> str:
    """Column of the log that holds a declared property."""
    return f"p_{property_name}"


class Events:
    """`events_as_of` with the properties a set of metrics reads, and event names as codes."""

    def __init__(self, properties: Mapping[str, PropertyType], codes: Mapping[str, int]) -> None:
        types = {"number": "float64", "text": "string"}
        extra = {column_of(name): types[kind] for name, kind in sorted(properties.items())}
        self.table = ibis.table({**BASE_SCHEMA, **extra}, name=RELATION)
        self._codes = codes

    def matching(self, wanted: EventFilter) -> ir.BooleanValue:
        codes = sorted(self._codes[name] for name in wanted.events if name in self._codes)
        # Codes start at 1, and the engines want a condition on a column even when nothing can meet it.
        met = self.table.name.isin(codes or [0])
        for name, condition in sorted(wanted.where.items()):
            met = met & self._meets(name, condition)
        return cast(ir.BooleanValue, met)

    def within(self, days: int, *, ended: int = 0) -> ir.BooleanValue:
        """The `days` 24-hour blocks that ended `ended` blocks before `as_of`."""
        recent = self.table.days_ago < ended + days
        return recent if ended == 0 else (self.table.days_ago >= ended) & recent

    def number(self, property_name: str) -> ir.FloatingColumn:
        return cast(ir.FloatingColumn, self.table[column_of(property_name)])

    def text(self, property_name: str) -> ir.StringColumn:
        return cast(ir.StringColumn, self.table[column_of(property_name)])

    def item(self, name: str) -> ir.Column:
        """The contact, or a text property: what a kind that counts different things counts."""
        return self.table.contact if name == CONTACT else self.text(name)

    def per_item(self, condition: ir.BooleanValue, name: str) -> ir.Table:
        """One row per account and thing: its `uses`, and `first_day`, how many days ago it was first used."""
        rows = self.table.filter(condition).mutate(item=self.item(name))
        rows = rows.filter(rows.item.notnull())
        return rows.group_by(*KEYS, "item").aggregate(uses=rows.count(), first_day=rows.days_ago.max())

    def seconds(self) -> ir.IntegerColumn:
        """`as_of` in whole seconds since 1970."""
        return self.table.as_of.truncate("s").epoch_seconds()

    def _meets(self, name: str, condition: Condition) -> ir.BooleanValue:
        column = self.table[column_of(name)]
        if isinstance(condition, Range):
            return reduce(and_, (SIGNS[sign](column, limit) for sign, limit in condition.ends()))
        if isinstance(condition, Mention):
            return cast(ir.BooleanValue, cast(ir.StringColumn, column).lower().re_search(condition.pattern()))
        if isinstance(condition, tuple):
            return column.isin([_stored(value) for value in condition])
        return column == _stored(condition)


def _stored(value: bool | float | str) -> float | str:
    # Booleans are stored as 1.0 and 0.0.
    return value if isinstance(value, str) else float(value)


def count(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """How many events meet the condition; 0 when none does."""
    return condition.ifelse(1, None).count()


def told(condition: ir.BooleanValue, number: ir.NumericColumn) -> ir.BooleanValue:
    """The events among these that carry the number."""
    return condition & number.between(-LARGEST_NUMBER, LARGEST_NUMBER)


def total(condition: ir.BooleanValue, number: ir.NumericColumn) -> ir.DecimalScalar:
    """Exact sum to nine decimals; missing when no event that meets the condition carries the number."""
    # The cast may be tried before the condition is, so it must not fail.
    return told(condition, number).ifelse(number.try_cast("decimal(38, 9)"), None).sum()


def distinct(condition: ir.BooleanValue, column: ir.Column) -> ir.IntegerScalar:
    """How many different values, nothing counted for events without one."""
    return condition.ifelse(column, None).nunique()


def newest_age(condition: ir.BooleanValue, events: Events) -> ir.IntegerScalar:
    """Microseconds between the newest such event and `as_of`; missing when there is none."""
    return condition.ifelse(events.table.age, None).min()


def oldest_age(condition: ir.BooleanValue, events: Events) -> ir.IntegerScalar:
    """Microseconds between the oldest such event and `as_of`; missing when there is none."""
    return condition.ifelse(events.table.age, None).max()


def last(condition: ir.BooleanValue, column: ir.Column, events: Events) -> ir.Scalar:
    """The newest value of a column that is not missing; equal times are settled by identity."""
    # Age first, then identity, in one number: a tie lies between -2^63 and 2^63.
    order = events.table.age.cast(INTEGER) * ibis.literal(Decimal(TIES), INTEGER) + events.table.tie.cast(INTEGER)
    if column.type().is_numeric():
        return number_of_least(column, told(condition, column).ifelse(order, None))
    return text_of_least(column, (condition & column.notnull()).ifelse(order, None))


def day_masks(condition: ir.BooleanValue, events: Events, days: int, *, unit_days: int = 1) -> list[ir.IntegerScalar]:
    """The set of blocks of `unit_days` days that have such an event, as masks of 60 blocks each, newest first."""
    block = events.table.days_ago if unit_days == 1 else (events.table.days_ago // unit_days).cast("int32")
    one = ibis.literal(1).cast("int64")
    masks = []
    for start in range(0, -(-days // unit_days), DAYS_A_MASK):
        end = min(start + DAYS_A_MASK, -(-days // unit_days))
        inside = condition & (block < end) if start == 0 else condition & (block >= start) & (block < end)
        shift = block if start == 0 else (block - start).cast("int32")
        masks.append(bit_or(inside.ifelse(one << shift, None)))
    return masks


def days_in(masks: list[ir.IntegerValue]) -> ir.IntegerValue:
    """How many blocks a set of masks holds."""
    counts = [bit_count(mask).fill_null(0) for mask in masks]
    found = counts[0]
    for one in counts[1:]:
        found = found + one
    return found


def sum_of(events: ir.IntegerValue, amount: ir.DecimalValue) -> ir.FloatingValue:
    """A sum over `events` events: 0 over none, missing when none of them told an amount."""
    return (events == 0).ifelse(0.0, amount.cast("float64"))


def share(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """`part / whole` in double precision; missing when the whole is missing or zero."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def double(number: float) -> ir.FloatingScalar:
    """A constant in double precision; written plainly, both engines would take it for a decimal."""
    return ibis.literal(repr(number)).cast("float64")


def days(age: ir.IntegerValue) -> ir.FloatingValue:
    """Microseconds as days."""
    return age.cast("float64") / float(MICROSECONDS_A_DAY)


def same_weekdays(events: Events, days: int, weeks: int) -> ir.BooleanValue:
    """The days 7, 14 … `7 * weeks` days before each of the last `days` days, `days` at most 7."""
    block = events.table.days_ago
    if days == 7:
        return events.within(7 * weeks, ended=7)
    return events.within(7 * weeks, ended=7) & (block % 7 < days)


def relative_change(now: ir.FloatingValue, base: ir.FloatingValue) -> ir.FloatingValue:
    """0 is no change, 1 is double; missing without a base above 0."""
    return (base > 0.0).ifelse((now - base) / base.nullif(0.0), None)


def run_from(masks: list[ir.IntegerValue], start: int) -> ir.IntegerValue:
    """How many blocks in a row are in the set, from block `start` (0 or 1) on."""
    length = ibis.literal(0)
    for number, mask in reversed(list(enumerate(masks))):
        skipped = start if number == 0 else 0
        rest = mask >> skipped if skipped else mask
        # The ones at the low end of a mask are what adding 1 turns over, less the bit it sets.
        run = bit_count(rest ^ (rest + 1)) - 1
        length = (run == DAYS_A_MASK - skipped).ifelse(run + length, run)
    return cast(ir.IntegerValue, length)


def requests(events: Events, request: EventFilter, response: EventFilter) -> ir.Table:
    """One row per request; `waited` is the microseconds until its first response, if there was one."""
    table = events.table
    asks = events.matching(request).fill_null(False)
    # An event that is both is a request: it cannot answer itself.
    rows = table.filter(asks | events.matching(response)).select(
        *KEYS, CONTACT, "age", "days_ago", asks=asks, reply=asks.ifelse(None, table.age)
    )
    # Among the responses not older than the request, the first one has the greatest age.
    account = ibis.range_window(group_by=KEYS, order_by=rows.age, preceding=None, following=0)
    person = ibis.range_window(group_by=(*KEYS, CONTACT), order_by=rows.age, preceding=None, following=0)
    rows = rows.mutate(
        anybody=rows.reply.max().over(account),
        nobody=rows.contact.isnull().ifelse(rows.reply, None).max().over(account).fill_null(-1),
        same=rows.reply.max().over(person).fill_null(-1),
    )
    first = rows.contact.isnull().ifelse(rows.anybody, ibis.greatest(rows.nobody, rows.same).nullif(-1))
    return rows.filter(rows.asks).select(*KEYS, "age", "days_ago", waited=rows.age - first)
