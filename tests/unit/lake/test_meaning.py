"""Rows derived from what was sent: the same at the door and afterwards, and always back again."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.facts.arrival import ARRIVALS
from keepwell.facts.event_name import NameCode
from keepwell.facts.moment import Moment
from keepwell.lake import duck
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.lake.encode import Dictionaries, encode
from keepwell.lake.engine import Question
from keepwell.lake.identity import sift
from keepwell.lake.log import COLUMNS as COLUMNS_OF_A_ROW
from keepwell.lake.log import EventLog
from keepwell.lake.meaning import IGNORED, Rule
from keepwell.lake.snapshot import PropertyColumn
from keepwell.metrics.kinds.count import Count
from keepwell.metrics.kinds.distinct import Distinct
from keepwell.metrics.metric import Metric
from tests.contracts.log_world import START

NAMES = ("feature_used", "signed_in", "Report Exported", "Ping", "Login")
COLUMNS: Mapping[str, PropertyColumn] = {"feature": "text", "amount": "number"}
KEYS = ("feature", "amount", "report", "a/b~c", 'odd "name".x', "näme", "")
VALUES = (None, "reports", "", 1, 2.5, True, {"x": None}, [1, None], "12.5", "2026-01-01", 123456789012345)
PROPS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=4)
SENT = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(["app", "web"]),
    st.booleans(),
    st.one_of(st.none(), PROPS),
    st.integers(0, 3),
)
RULES = st.lists(
    st.builds(
        Rule,
        sent=st.integers(1, len(NAMES)),
        source=st.sampled_from([None, "app"]),
        untrusted=st.booleans(),
        name=st.sampled_from([1, 2, 3, IGNORED]),
        properties=st.dictionaries(st.sampled_from(["feature", "amount"]), st.sampled_from(KEYS), max_size=2).map(
            lambda told: tuple(sorted(told.items()))
        ),
        constants=st.sampled_from([(), (("core", "true"),), (("plan", '"a,\\"b\'{}"'),)]),
        is_whole=st.booleans(),
    ),
    unique_by=lambda rule: (rule.sent, rule.source, rule.untrusted),
    max_size=8,
)
Sent = tuple[str, str, bool, Mapping[str, object] | None, int]


def rows_of(events: Sequence[Sent], rules: Sequence[Rule]) -> pa.Table:
    """The rows of these events, the n-th of which has the id n."""
    arrivals = [
        {
            "account": "1", "contact": None, "name": name, "at": START + timedelta(days=day, seconds=number),
            "known_at": START + timedelta(days=day, seconds=number), "source": source, "message_id": f"{number:04}",
            "imported": False, "props": None if props is None else json.dumps(props),
        }
        for number, (name, source, _, props, day) in enumerate(events)
    ]  # fmt: skip
    held = Dictionaries(
        accounts=pa.table({"id": pa.array([1], pa.int64()), "key": ["1"]}),
        contacts=pa.table(
            {"id": pa.array([], pa.int64()), "account": pa.array([], pa.int64()), "key": pa.array([], pa.string())}
        ),
        names=pa.table({"id": pa.array(range(1, len(NAMES) + 1), pa.int64()), "key": list(NAMES)}),
    )
    untrusted = pa.array([event[2] for event in events], pa.bool_())
    with duck.session() as database:
        return encode(database, pa.Table.from_pylist(arrivals, ARRIVALS), held, COLUMNS, rules, untrusted)


def log_of(folder: Path, batches: Sequence[pa.Table], *, settled: int = 0) -> EventLog:
    log = EventLog(folder / "lake" / "events", sync=lambda path: None)
    log.create(COLUMNS)
    for number, rows in enumerate(batches, 1):
        log.append(rows, writer="test", number=number)
        if number == settled:
            log.compact()
    return log


def logged(log: EventLog) -> list[dict[str, object]]:
    paths = log.snapshot().paths
    if not paths:
        return []
    with duck.session() as database:
        rows = database.sql(f"SELECT * EXCLUDE (part) FROM {duck.files(paths)} ORDER BY message_id").to_arrow_table()
    return list(rows.to_pylist())


def expected(event: Sent, rules: Sequence[Rule]) -> tuple[int, dict[str, object]]:
    """Name and properties by the definition, one event at a time."""
    name, source, untrusted, props, _ = event
    code, told = NAMES.index(name) + 1, dict(props or {})
    fit = [rule for rule in rules if rule.sent == code and rule.untrusted == untrusted]
    chosen = [rule for rule in fit if rule.source == source] or [rule for rule in fit if rule.source is None]
    if not chosen:
        return code, told
    rule = chosen[0]
    found: dict[str, object] = {} if rule.is_whole else told
    taken = {*dict(rule.properties), *dict(rule.properties).values(), *dict(rule.constants)}
    kept = {key: value for key, value in found.items() if key not in taken}
    moved = {key: told[sent] for key, sent in rule.properties if sent in told}
    return rule.name, {**kept, **moved, **{key: json.loads(value) for key, value in rule.constants}}


@settings(max_examples=15)
@given(events=st.lists(SENT, min_size=1, max_size=20), rules=RULES, other=RULES, settled=st.integers(0, 2))
def test_rows_derived_at_the_door_and_afterwards_are_the_same(
    events: list[Sent], rules: list[Rule], other: list[Rule], settled: int
) -> None:
    half = len(events) // 2
    with tempfile.TemporaryDirectory() as folder:
        door = log_of(Path(folder) / "door", [rows_of(events, rules)])
        sent = rows_of(events, [])
        parts = [sent.slice(0, half), sent.slice(half)] if half else [sent]
        after = log_of(Path(folder) / "after", parts, settled=settled)
        plain = logged(after)
        after.derive(rules, 1)
        assert logged(after) == logged(door)
        assert after.snapshot().mapping == 1
        for row, event in zip(logged(after), events, strict=True):
            assert (row["name"], json.loads(str(row["props"] or "{}"))) == expected(event, rules)
        after.derive(other, 2)
        after.derive(rules, 3)
        assert logged(after) == logged(door)
        after.derive([], 4)
        assert logged(after) == plain


@settings(max_examples=8)
@given(events=st.lists(SENT, min_size=1, max_size=20), rules=RULES)
def test_metrics_and_first_known_moments_do_not_depend_on_when_the_mapping_came(
    events: list[Sent], rules: list[Rule]
) -> None:
    face = {"title": "A metric", "unit": "number", "better": "up"}
    metrics: dict[str, Metric] = {
        "used": Count(events=("feature_used",), days=30, **face),
        "features": Distinct(events=("feature_used",), of="feature", days=30, **face),
    }
    with tempfile.TemporaryDirectory() as folder:
        door = log_of(Path(folder) / "door", [rows_of(events, rules)])
        after = log_of(Path(folder) / "after", [rows_of(events, [])])
        moments = after.first_known(rules)
        assert moments == door.first_known(rules)
        after.derive(rules, 1)
        names = {name: NameCode(code, moments[code]) for code, name in enumerate(NAMES, 1) if code in moments}
        asked = Question(metrics, names, [Moment.at(START + timedelta(days=day)) for day in (1, 2, 5)])
        for one, two in zip(embedded_engine().values(door, asked), embedded_engine().values(after, asked), strict=True):
            np.testing.assert_array_equal(one.matrix, two.matrix)


@given(events=st.lists(SENT, min_size=1, max_size=10), rules=RULES)
@settings(max_examples=8)
def test_an_event_that_is_sent_again_after_the_mapping_changed_is_still_a_duplicate(
    events: list[Sent], rules: list[Rule]
) -> None:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
        log = log_of(Path(folder), [rows_of(events, rules)])
        for again in (rows_of(events, []), rows_of(events, rules)):
            sifted = sift(database, again, log.files())
            assert (len(sifted.new), sifted.conflicting_ids) == (0, [])


def test_a_column_that_a_later_package_declares_holds_what_the_property_means(tmp_path: Path) -> None:
    rule = Rule(3, None, False, 1, (("module", "report"),))
    log = log_of(tmp_path, [rows_of([("Report Exported", "app", False, {"report": "churn"}, 0)], [rule])])
    log.compact({"module": "text"})
    assert logged(log)[0]["p_module"] == "churn"


def test_a_log_that_lacks_what_was_sent_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of([("Report Exported", "app", False, {"report": "churn"}, 0)], [])
    with monkeypatch.context() as earlier:
        earlier.setattr("keepwell.lake.log.COLUMNS", pa.schema(list(COLUMNS_OF_A_ROW)[:10]))
        log = log_of(tmp_path, [rows.select(rows.column_names[:10] + rows.column_names[13:])])
    assert log.lacks_columns()
    log.derive([Rule(3, None, False, 1, (("feature", "report"),))], 1)
    assert not log.lacks_columns()
    (row,) = logged(log)
    assert (row["name"], row["sent_name"], row["p_feature"]) == (1, 3, "churn")
    assert row["sent_props"] == '{"report": "churn"}'
