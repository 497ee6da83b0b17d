"""Metric cases: tiny event histories in YAML and the values they must give, free of any engine.

A file `tests/cases/metrics/<kind>.yaml` holds `example`, a metric as a package would write it, and `cases`. In a case,
events are told by `ago` (`3d`, `6d 23:59:59.999999`) before `as_of`, so that the edge of a window can be read; keys other
than account, event, ago, contact and tie are properties. The names of all events of the case, and of `also_known`,
are known to the log.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import yaml

from keepwell.base.registry import kinds
from keepwell.metrics.compile import properties_of
from keepwell.metrics.metric import Metric

FOLDER = Path(__file__).parents[1] / "cases" / "metrics"
KINDS = kinds("keepwell.metrics.kinds", Metric)
UNDER_TEST = "value"
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)

Row = Mapping[str, object]


@dataclass(frozen=True)
class Case:
    """`events` has the columns of `events_as_of`; `expected` names accounts by id, None being a missing value."""

    name: str
    metrics: Mapping[str, Metric]
    codes: Mapping[str, int]
    as_of: datetime
    events: pa.Table
    expected: Mapping[int, float | None]
    fresh_days: Mapping[str, int] = field(default_factory=dict)

    @property
    def metric(self) -> Metric:
        return self.metrics[UNDER_TEST]


def cases(kind: str) -> Iterator[Case]:
    """The cases of one kind, in the order of the file."""
    for text in _file(kind)["cases"]:
        yield _case(kind, text)


def example(kind: str) -> Metric:
    """The metric that the docs show for a kind."""
    return metric_of({"kind": kind, **_file(kind)["example"]})


def metric_of(fields: Mapping[str, object]) -> Metric:
    told = {"title": "A metric", "unit": "number", "better": "up", **fields}
    return KINDS[str(told["kind"])].model_validate(told)


def _file(kind: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((FOLDER / f"{kind}.yaml").read_text(encoding="utf-8"))
    return found


def _case(kind: str, text: Mapping[str, object]) -> Case:
    others = {name: metric_of(fields) for name, fields in text.get("others", {}).items()}
    metrics = {**others, UNDER_TEST: metric_of({"kind": kind, **text["metric"]})}
    accounts = {name: number for number, name in enumerate(sorted({row["account"] for row in text["events"]}), 1)}
    known = sorted({row["event"] for row in text["events"]} | set(text.get("also_known", [])))
    codes = {name: number for number, name in enumerate(known, 1)}
    as_of = text.get("as_of", datetime(2026, 3, 2, tzinfo=UTC))
    expected = {accounts[name]: None if value == "missing" else value for name, value in text["expect"].items()}
    fresh = {UNDER_TEST: text["fresh_days"]} if "fresh_days" in text else {}
    rows = [_row(row, accounts, codes, as_of, number) for number, row in enumerate(text["events"])]
    return Case(f"{kind}: {text['case']}", metrics, codes, as_of, events_table(rows, metrics), expected, fresh)


def _row(row: Row, accounts: Mapping[str, int], codes: Mapping[str, int], as_of: datetime, number: int) -> Row:
    contact = row.get("contact")
    own = {"account", "event", "ago", "contact", "tie"}
    return {
        "as_of": as_of,
        "account": accounts[row["account"]],
        # A contact belongs to one account, so the same name in two accounts is two contacts.
        "contact": None if contact is None else accounts[row["account"]] * 1000 + sum(contact.encode()),
        "name": codes[row["event"]],
        "age": _age(row["ago"]) // MICROSECOND,
        "tie": row.get("tie", number),
        **{f"p_{key}": value for key, value in row.items() if key not in own},
    }


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(?:(\d+)d)? ?(?:(\d+):(\d\d)(?::(\d\d)(?:\.(\d{6}))?)?)?", text)
    if found is None or not text:
        raise ValueError(f"{text!r} is no time ago, such as 3d or 6d 23:59:59.999999")
    days, hours, minutes, seconds, micros = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)


def events_table(rows: list[Row], metrics: Mapping[str, Metric]) -> pa.Table:
    """`events_as_of` with the properties that the metrics read; rows carry `age` and every property under `p_…`."""
    properties = {f"p_{name}": kind for name, kind in properties_of(metrics).items()}
    schema = pa.schema(
        [
            ("as_of", pa.timestamp("us", "UTC")),
            ("account", pa.int64()),
            ("contact", pa.int64()),
            ("name", pa.int32()),
            ("age", pa.int64()),
            ("days_ago", pa.int32()),
            ("tie", pa.int64()),
            *((name, pa.float64() if kind == "number" else pa.string()) for name, kind in sorted(properties.items())),
        ]
    )
    full = [{**row, "days_ago": row["age"] // (DAY // MICROSECOND)} for row in rows]
    columns = {
        name: pa.array([_stored(row.get(name)) for row in full], schema.field(name).type) for name in schema.names
    }
    return pa.table(columns, schema=schema)


def _stored(value: object) -> object:
    return float(value) if isinstance(value, bool) else value
