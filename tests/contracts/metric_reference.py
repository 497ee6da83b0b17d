"""Every metric kind again, in plain Python over one account's events: slow, and written from its text alone."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import inf, isfinite
from operator import ge, gt, le, lt
from statistics import median
from typing import Any

HOUR = 3_600_000_000
DAY = 24 * HOUR

Fields = Mapping[str, object]


@dataclass(frozen=True)
class Seen:
    """One event of an account, `age` microseconds before the moment of scoring."""

    name: str
    age: int
    tie: int
    contact: int | None = None
    properties: Mapping[str, float | str | None] = field(default_factory=dict)

    @property
    def day(self) -> int:
        return self.age // DAY


Reference = Callable[[Fields, Sequence[Seen]], float | None]

_ENDS: Mapping[str, Callable[[Any, Any], bool]] = {"at_least": ge, "above": gt, "below": lt, "at_most": le}


def _meets(value: float | str | None, wanted: object) -> bool:
    if value is None:
        return False
    if isinstance(wanted, dict):
        # Not a number counts as greater than every number, as in both engines.
        number = float("inf") if value != value else value
        return all(_ENDS[end](number, limit) for end, limit in wanted.items())
    if isinstance(wanted, list):
        return any(value == one for one in wanted)
    return value == wanted


def _matching(wanted: Fields, events: Sequence[Seen]) -> list[Seen]:
    conditions = wanted.get("where", {})
    return [
        event
        for event in events
        if event.name in wanted["events"]
        and all(_meets(event.properties.get(name), condition) for name, condition in conditions.items())
    ]


def _window(events: Sequence[Seen], days: int, ended: int = 0) -> list[Seen]:
    return [event for event in events if ended * DAY <= event.age < (ended + days) * DAY]


def _numbers(events: Sequence[Seen], name: str) -> list[Fraction]:
    found = [event.properties.get(name) for event in events]
    usable = [value for value in found if value is not None and isfinite(value) and abs(value) <= 1e18]
    return [Fraction(Decimal(value).quantize(Decimal("1e-9"), ROUND_HALF_EVEN)) for value in usable]


def _sum(events: Sequence[Seen], name: str) -> Fraction | None:
    numbers = _numbers(events, name)
    if events and not numbers:
        return None
    return sum(numbers, Fraction(0))


def _mean(events: Sequence[Seen], name: str) -> Fraction | None:
    numbers = _numbers(events, name)
    return sum(numbers, Fraction(0)) / len(numbers) if numbers else None


def _items(events: Sequence[Seen], name: str) -> list[object]:
    found = [event.contact if name == "contact" else event.properties.get(name) for event in events]
    return [item for item in found if item is not None]


def _last(events: Sequence[Seen], name: str) -> float | str | None:
    for event in sorted(events, key=lambda event: (event.age, event.tie)):
        value = event.properties.get(name)
        if isinstance(value, str) or (value is not None and isfinite(value) and abs(value) <= 1e18):
            return value
    return None


def _over(part: object, whole: object) -> float | None:
    return None if part is None or whole is None or whole == 0 else float(Fraction(part) / Fraction(whole))


def _float(number: object) -> float | None:
    return None if number is None else float(number)


def count(metric: Fields, events: Sequence[Seen]) -> float | None:
    seen = _window(_matching(metric, events), metric["days"])
    return _over(len(seen), len(set(_items(seen, "contact")))) if "per" in metric else float(len(seen))


def active_days_rate(metric: Fields, events: Sequence[Seen]) -> float | None:
    seen = _window(_matching(metric, events), metric["days"])
    return len({event.day for event in seen}) / metric["days"]


def distinct(metric: Fields, events: Sequence[Seen]) -> float | None:
    return float(len(set(_items(_window(_matching(metric, events), metric["days"]), metric["of"]))))


def sum_(metric: Fields, events: Sequence[Seen]) -> float | None:
    seen = _window(_matching(metric, events), metric["days"])
    found = _sum(seen, metric["property"])
    if "per" in metric:
        return None if not _numbers(seen, metric["property"]) else _over(found, len(set(_items(seen, "contact"))))
    return _float(found)


def mean(metric: Fields, events: Sequence[Seen]) -> float | None:
    return _float(_mean(_window(_matching(metric, events), metric["days"]), metric["property"]))


def ratio(metric: Fields, events: Sequence[Seen]) -> float | None:
    whole = _window(_matching(metric["of"], events), metric["days"])
    return _over(len(_matching(metric, whole)), len(whole))


def _measured(metric: Fields, seen: Sequence[Seen]) -> Fraction | None:
    measure = metric.get("measure", "count")
    if measure == "count":
        return Fraction(len(seen))
    return (_sum if measure == "sum" else _mean)(seen, metric["property"])


def change(metric: Fields, events: Sequence[Seen]) -> float | None:
    matching = _matching(metric, events)
    earlier = _window(matching, metric["days"], metric["days"])
    now, base = _measured(metric, _window(matching, metric["days"])), _measured(metric, earlier)
    if len(earlier) < metric.get("minimum", 1) or now is None or base is None:
        return None
    if metric.get("by") == "difference":
        return float(now - base)
    return float((now - base) / base) if base > 0 else None


def baseline_change(metric: Fields, events: Sequence[Seen]) -> float | None:
    matching, weeks = _matching(metric, events), metric["weeks"]
    days = {day + 7 * week for day in range(metric["days"]) for week in range(1, weeks + 1)}
    earlier = [event for event in matching if event.day in days]
    now, base = _measured(metric, _window(matching, metric["days"])), _measured(metric, earlier)
    old_enough = any(event.age > (7 * weeks + metric["days"]) * DAY for event in matching)
    if not old_enough or len(earlier) < metric.get("minimum", 1) or now is None or base is None or base <= 0:
        return None
    return float((now - base / weeks) / (base / weeks))


def days_since_last(metric: Fields, events: Sequence[Seen]) -> float | None:
    return min((event.age / DAY for event in _matching(metric, events)), default=None)


def tenure(metric: Fields, events: Sequence[Seen]) -> float | None:
    return max((event.age / DAY for event in _matching(metric, events)), default=None)


def overdue(metric: Fields, events: Sequence[Seen]) -> float | None:
    seen = _window(_matching(metric, events), metric["days"])
    active = len({event.day for event in seen})
    if active < metric.get("minimum", 3):
        return None
    ages = [event.age for event in seen]
    return _over(min(ages), Fraction(max(ages) - min(ages), active - 1))


def last_value(metric: Fields, events: Sequence[Seen]) -> float | None:
    return _float(_last(_matching(metric, events), metric["property"]))


def last_is(metric: Fields, events: Sequence[Seen]) -> float | None:
    last = _last(_matching(metric, events), metric["property"])
    return None if last is None else float(last in metric["values"])


def share_of_limit(metric: Fields, events: Sequence[Seen]) -> float | None:
    seen = _window(_matching(metric["usage"], events), metric["days"])
    limit = _last(_matching(metric["limit"], events), metric["limit"]["property"])
    used = _sum(seen, metric["usage"]["property"]) if "property" in metric["usage"] else Fraction(len(seen))
    return None if limit is None or limit <= 0 else _over(used, limit)


def adoption(metric: Fields, events: Sequence[Seen]) -> float | None:
    used = len(set(_items(_window(_matching(metric, events), metric["days"]), metric["property"])))
    plan = metric.get("total")
    if plan is None:
        plan = _last(_matching(metric["of_plan"], events), metric["of_plan"]["property"])
    return None if plan is None or plan <= 0 else min(1.0, float(used / Fraction(plan)))


def adoption_speed(metric: Fields, events: Sequence[Seen]) -> float | None:
    matching = _matching(metric, events)
    now = _window(matching, metric["days"])
    before = [event for event in matching if event not in now]
    return float(len(set(_items(now, metric["property"])) - set(_items(before, metric["property"]))))


def depth(metric: Fields, events: Sequence[Seen]) -> float | None:
    items = _items(_window(_matching(metric, events), metric["days"]), metric["property"])
    return _over(len(items), len(set(items)))


def contact_spread(metric: Fields, events: Sequence[Seen]) -> float | None:
    uses = Counter(_items(_window(_matching(metric, events), metric["days"]), "contact"))
    return _over(max(uses.values(), default=None), sum(uses.values()))


def open_items(metric: Fields, events: Sequence[Seen]) -> float | None:
    opened, closed = _window(_matching(metric, events), metric["days"]), _matching(metric["closed_by"], events)

    def newest(seen: Sequence[Seen], item: object) -> float:
        return min((event.age for event in seen if (event.properties.get(metric["of"]) or "") == item), default=inf)

    items = {event.properties.get(metric["of"]) or "" for event in opened}
    return float(sum(newest(opened, item) < newest(closed, item) for item in items))


def streak(metric: Fields, events: Sequence[Seen]) -> float | None:
    unit = 7 if metric.get("per") == "week" else 1
    blocks = {event.day // unit for event in _matching(metric, events)}
    start = 0 if 0 in blocks else 1
    length = 0
    while start + length in blocks:
        length += 1
    return float(min(length, metric.get("at_most", 60)))


def _waits(metric: Fields, events: Sequence[Seen]) -> list[tuple[Seen, int | None]]:
    asks = _matching(metric["request"], events)
    answers = [event for event in _matching(metric["response"], events) if event not in asks]
    waits: list[tuple[Seen, int | None]] = []
    for ask in _window(asks, metric["days"]):
        fitting = [
            ask.age - answer.age
            for answer in answers
            if answer.age <= ask.age and (ask.contact is None or answer.contact in (None, ask.contact))
        ]
        first = min(fitting, default=None)
        waits.append((ask, first if first is not None and first <= metric["within_hours"] * HOUR else None))
    return waits


def response_rate(metric: Fields, events: Sequence[Seen]) -> float | None:
    waits = _waits(metric, events)
    answered = sum(wait is not None for _, wait in waits)
    too_late = sum(wait is None and ask.age > metric["within_hours"] * HOUR for ask, wait in waits)
    return _over(answered, answered + too_late)


def response_time(metric: Fields, events: Sequence[Seen]) -> float | None:
    waits = [Fraction(wait) for _, wait in _waits(metric, events) if wait is not None]
    if not waits:
        return None
    return float((median(waits) if metric.get("average", "median") == "median" else sum(waits) / len(waits)) / HOUR)


REFERENCES: Mapping[str, Reference] = {
    reference.__name__.rstrip("_"): reference
    for reference in (
        count, active_days_rate, distinct, sum_, mean, ratio, change, baseline_change, days_since_last, tenure, overdue,
        last_value, last_is, share_of_limit, adoption, adoption_speed, depth, contact_spread, open_items, streak,
        response_rate, response_time,
    )
}  # fmt: skip


def is_delivered(metric: Fields, known: set[str]) -> bool:
    """A metric is missing where the log knows no name of one of the sets of events it stands on."""
    if metric["kind"] in ("response_rate", "response_time"):
        sets = [metric["request"], metric["response"]]
    elif metric["kind"] == "ratio":
        sets = [metric["of"]]
    elif metric["kind"] == "share_of_limit":
        sets = [metric["usage"], metric["limit"]]
    else:
        sets = [metric, *([metric["of_plan"]] if "of_plan" in metric else [])]
    return all(known & set(wanted["events"]) for wanted in sets)


def value_of(metric: Fields, events: Sequence[Seen], known: set[str]) -> float | None:
    return REFERENCES[str(metric["kind"])](metric, events) if is_delivered(metric, known) else None
