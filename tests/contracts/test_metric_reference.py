"""Every metric kind gives what the plain-Python reference gives, on random histories full of ties, edges and gaps."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from math import inf, nan

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.metrics.compile import compile_metrics
from tests.contracts.metric_cases import KINDS, events_table, metric_of
from tests.contracts.metric_reference import DAY, HOUR, Seen, value_of
from tests.contracts.test_metric_kinds import run

AS_OF = datetime(2026, 3, 2, 12, 30, 15, tzinfo=UTC)
NAMES = ("used", "asked", "told")
USED = {"events": ["used"]}
BOTH = {"events": ["used", "asked"]}
RED = {**BOTH, "where": {"kind": ["red", "blue"]}}
BIG = {**BOTH, "where": {"amount": {"above": 0.1, "at_most": 7}, "core": True}}
SETS = (USED, BOTH, RED, BIG, {"events": ["used", "never heard of"]}, {"events": ["never heard of"]})
PLAN = {"events": ["told"], "property": "limit"}

ASKED = {"events": ["asked"]}
NOT_CORE = {**USED, "where": {"core": False}}
USAGE = (USED, RED, {**BOTH, "property": "amount"})
ITEMS = ("kind", "contact")
RESPONSES = (USED, BOTH, {**BOTH, "where": {"core": True}})


def each(kind: str, *variants: dict[str, object], **more: object) -> list[dict[str, object]]:
    """One metric per variant."""
    return [{"kind": kind, **variant, **more} for variant in variants]


METRICS = [
    *(metric for days in (1, 7, 90) for metric in each("count", *SETS, days=days)),
    *each("count", *SETS, days=30, per="contact"),
    *(metric for days in (1, 30, 60, 61, 130) for metric in each("active_days_rate", *SETS, days=days)),
    *(metric for of in ITEMS for metric in each("distinct", *SETS, days=30, of=of)),
    *(metric for days in (7, 90) for metric in each("sum", *SETS, days=days, property="amount")),
    *each("sum", BOTH, days=30, property="amount", per="contact"),
    *each("mean", *SETS, days=30, property="amount"),
    *(metric for of in (USED, BOTH, RED) for metric in each("ratio", USED, NOT_CORE, days=30, of=of)),
    *(metric for days in (1, 7, 30) for metric in each("change", BOTH, days=days, minimum=2)),
    *(
        metric
        for days in (7, 30)
        for measure in ("sum", "mean")
        for by in ("relative", "difference")
        for metric in each("change", BOTH, RED, days=days, measure=measure, property="amount", by=by)
    ),
    *(
        metric
        for days in (1, 3, 7)
        for weeks in (1, 2, 4)
        for metric in each("baseline_change", BOTH, days=days, weeks=weeks)
    ),
    *each("baseline_change", USED, BOTH, days=3, weeks=2, minimum=3, measure="sum", property="amount"),
    *(metric for kind in ("days_since_last", "tenure", "streak") for metric in each(kind, *SETS)),
    *(metric for most in (2, 60, 100) for metric in each("streak", BOTH, per="week", at_most=most)),
    *(metric for most in (2, 59, 61) for metric in each("streak", BOTH, at_most=most)),
    *(metric for minimum in (2, 3) for metric in each("overdue", USED, BOTH, days=30, minimum=minimum)),
    *each("overdue", BOTH, days=130),
    *each("last_value", *SETS, property="amount"),
    *each("last_is", *SETS, property="kind", values=["red", ""]),
    *(metric for usage in USAGE for metric in each("share_of_limit", {"usage": usage}, limit=PLAN, days=30)),
    *(metric for of in ITEMS for metric in each("adoption", BOTH, RED, property=of, days=30, of_plan=PLAN)),
    *each("adoption", BOTH, property="kind", days=30, total=2),
    *(metric for of in ITEMS for metric in each("adoption_speed", USED, BOTH, property=of, days=7)),
    *(metric for of in ITEMS for metric in each("adoption_speed", USED, BOTH, property=of, days=30)),
    *(metric for of in ITEMS for metric in each("depth", *SETS, property=of, days=30)),
    *(
        metric
        for closed in (ASKED, NOT_CORE)
        for metric in each("open_items", *SETS, of="kind", closed_by=closed, days=30)
    ),
    *(metric for days in (7, 60) for metric in each("contact_spread", *SETS, days=days)),
    *(
        metric
        for response in RESPONSES
        for hours in (1, 48)
        for kind, averages in (("response_rate", ({},)), ("response_time", ({}, {"average": "mean"})))
        for metric in each(kind, *averages, request=ASKED, response=response, within_hours=hours, days=30)
    ),
]


KNOWN = (NAMES, NAMES, ("used", "asked"), ("used",))


def checked(kind: str) -> dict[str, dict[str, object]]:
    return {f"m{place}": fields for place, fields in enumerate(METRICS) if fields["kind"] == kind}


@cache
def query(kind: str, known: tuple[str, ...]) -> str:
    metrics = {metric_id: metric_of(fields) for metric_id, fields in checked(kind).items()}
    return compile_metrics(metrics, {name: NAMES.index(name) + 1 for name in known}, {}, "duckdb")


ages = st.one_of(
    st.integers(1, 140 * DAY),
    st.builds(
        lambda days, off: max(1, days * DAY + off),
        st.sampled_from([0, 1, 2, 6, 7, 8, 14, 15, 30, 31, 60, 61, 130]),
        st.sampled_from([0, 0, 1, -1, HOUR]),
    ),
    st.integers(0, 20).map(lambda days: days * DAY + HOUR),
    st.integers(1, 60).map(lambda hours: hours * HOUR),
)
amounts = st.sampled_from([None, 0.0, 0.1, 0.2, -3.5, 7.0, 1234.56, 1e18, -1e18, 1.1e18, 1e300, inf, -inf, nan])
events = st.builds(
    lambda name, age, contact, kind, amount, core, limit: (
        name, age, contact, {"kind": kind, "amount": amount, "core": core, "limit": limit}
    ),
    st.sampled_from(NAMES),
    ages,
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([None, "red", "blue", "grey", ""]),
    st.one_of(amounts, st.floats(-1000, 1000).map(lambda number: round(number, 2))),
    st.sampled_from([None, 0.0, 1.0]),
    st.sampled_from([None, 0.0, -1.0, 2.0, 3.0, 10.0, nan]),
)  # fmt: skip
ties = st.integers(-(2**63), 2**63 - 1)


@st.composite
def histories(draw: st.DrawFn) -> dict[int, list[Seen]]:
    """Events by account; equal ages are common, ties never are, as identities differ."""
    found = {}
    for account in range(1, draw(st.integers(1, 4)) + 1):
        rows = draw(st.lists(events, min_size=1, max_size=15))
        order = draw(st.lists(ties, min_size=len(rows), max_size=len(rows), unique=True))
        found[account] = [
            Seen(name, age, tie, contact, properties)
            for (name, age, contact, properties), tie in zip(rows, order, strict=True)
        ]
    return found


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def test_every_kind_over_events_has_a_reference() -> None:
    assert {str(fields["kind"]) for fields in METRICS} | {"mix", "quotient", "days_until"} == set(KINDS)


@pytest.mark.parametrize("kind", sorted({str(fields["kind"]) for fields in METRICS}))
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(history=histories(), known=st.sampled_from(KNOWN), data=st.data())
def test_a_kind_agrees_with_the_reference(
    database: duckdb.DuckDBPyConnection,
    kind: str,
    history: dict[int, list[Seen]],
    known: tuple[str, ...],
    data: st.DataObject,
) -> None:
    # An event that was heard makes its name known.
    told = {account: [seen for seen in all_seen if seen.name in known] for account, all_seen in history.items()}
    rows = [_row(account, seen) for account, all_seen in told.items() for seen in all_seen]
    table = events_table(
        data.draw(st.permutations(rows)), {name: metric_of(one) for name, one in checked(kind).items()}
    )
    found = run(database, table, query(kind, known))
    assert set(found) == {account for account, all_seen in told.items() if all_seen}
    for account, row in found.items():
        for metric_id, fields in checked(kind).items():
            expected = value_of(fields, told[account], set(known))
            assert row[metric_id] == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9)), fields


def _row(account: int, seen: Seen) -> dict[str, object]:
    properties = {f"p_{name}": value for name, value in seen.properties.items()}
    contact = None if seen.contact is None else account * 10 + seen.contact
    return {
        "as_of": AS_OF, "account": account, "contact": contact, "name": NAMES.index(seen.name) + 1, "age": seen.age,
        "tie": seen.tie, **properties,
    }  # fmt: skip
