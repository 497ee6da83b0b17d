"""What a value as of a time may see, and what it may not depend on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.facts.event_name import NameCode
from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.lake import duckdb_memory
from keepwell.lake.duckdb_engine import DuckEngine
from keepwell.lake.engine import Question
from keepwell.lake.identity import sift
from keepwell.lake.log import EventLog
from tests.contracts.every_kind import FRESH_DAYS, KINDS, METRICS
from tests.contracts.log_world import COLUMNS, NAMES, START, arrival, codes, random_arrivals, rows, write_log

T = START + timedelta(days=100)
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
ENGINE = DuckEngine()
_SHOWN = {"title": "A metric", "unit": "number", "better": "up"}
LOGINS = KINDS["count"].model_validate({"kind": "count", **_SHOWN, "events": ["signed_in"], "days": 30})
UNITS = KINDS["sum"].model_validate(
    {"kind": "sum", **_SHOWN, "events": ["usage_recorded"], "property": "units", "days": 30}
)
FEATURES = KINDS["distinct"].model_validate(
    {"kind": "distinct", **_SHOWN, "events": ["feature_used"], "of": "feature", "days": 30}
)


def values(log: EventLog, *moments: Moment, accounts: Sequence[int] | None = None) -> list[Values]:
    return ENGINE.values(log, Question(METRICS, codes(), moments, accounts, FRESH_DAYS))


def same(one: Values, other: Values) -> bool:
    return one.accounts.tobytes() == other.accounts.tobytes() and one.matrix.tobytes() == other.matrix.tobytes()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    arrivals = random_arrivals(np.random.default_rng(8), 25, 2000)
    return write_log(tmp_path_factory.mktemp("log"), [arrivals[:1200], arrivals[1200:]], settled=1)


@pytest.mark.parametrize(
    ("at", "known_at", "seen"),
    [
        (T - MICROSECOND, T - MICROSECOND, True),
        (T, T, False),
        (T - HOUR, T, False),
        (T - HOUR, T + HOUR, False),
        (T, T - HOUR, False),
        (T - timedelta(days=30) + MICROSECOND, T - HOUR, True),
        (T - timedelta(days=30), T - HOUR, False),
    ],
)
def test_an_event_counts_once_it_had_happened_and_was_known(
    tmp_path: Path, at: datetime, known_at: datetime, seen: bool
) -> None:
    always = arrival(1, "ticket_opened", START, 1)
    log = write_log(tmp_path, [[always, arrival(1, "signed_in", at, 2, late=known_at - at)]], settled=0)
    question = Question({"logins": LOGINS}, codes(), [Moment.at(T)])
    assert ENGINE.values(log, question)[0].of(1) == {"logins": 1.0 if seen else 0.0}


def test_an_account_is_there_from_its_first_known_event(tmp_path: Path) -> None:
    log = write_log(tmp_path, [[arrival(1, "signed_in", START, 1), arrival(2, "signed_in", T, 2)]], settled=0)
    before, after = values(log, Moment.at(T), Moment.at(T + MICROSECOND))
    assert (before.accounts.tolist(), after.accounts.tolist()) == ([1], [1, 2])
    assert before.of(2) == {}


def test_a_name_nobody_had_told_yet_is_missing_and_not_zero(tmp_path: Path) -> None:
    log = write_log(tmp_path, [[arrival(1, "ticket_opened", START, 1)]], settled=0)
    told = {**codes(), "signed_in": NameCode(1, T)}
    mix = KINDS["mix"].model_validate({"kind": "mix", **_SHOWN, "of": {"logins": 1, "tickets": 1}})
    tickets = LOGINS.model_copy(update={"events": ("ticket_opened",), "days": 365})
    metrics = {"logins": LOGINS, "tickets": tickets, "mixed": mix}
    moments = [Moment.at(T), Moment.at(T + MICROSECOND)]
    before, after = ENGINE.values(log, Question(metrics, told, moments))
    assert before.of(1) == {"logins": None, "tickets": 1.0, "mixed": 1.0}
    assert after.of(1) == {"logins": 0.0, "tickets": 1.0, "mixed": 0.5}


def test_the_two_cuts_are_kept_apart(tmp_path: Path) -> None:
    late = arrival(1, "signed_in", T - 2 * HOUR, 1, late=HOUR)
    log = write_log(tmp_path, [[late, arrival(1, "ticket_opened", START, 2)]], settled=0)
    moments = [Moment(T, T, T - HOUR), Moment(T, T - 2 * HOUR, T), Moment.at(T), Moment(T, T - HOUR, T)]
    found = ENGINE.values(log, Question({"logins": LOGINS}, codes(), moments))
    assert [value.of(1)["logins"] for value in found] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("answers_a_query", [1, 60, 100_000])
def test_many_moments_give_the_bytes_of_each_alone(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, answers_a_query: int
) -> None:
    monkeypatch.setattr(duckdb_memory, "ANSWERS_A_QUERY", answers_a_query)
    moments = [Moment.at(START + timedelta(days=day, hours=day % 24)) for day in range(-1, 130, 26)]
    moments += [moments[3], Moment(T, T, START + timedelta(days=90))]
    for moment, found in zip(moments, values(log, *moments), strict=True):
        assert same(found, values(log, moment)[0])


def test_some_accounts_give_the_bytes_of_all(log: EventLog) -> None:
    everybody = values(log, Moment.at(T))[0]
    some = [3, 4, 17, 99]
    found = values(log, Moment.at(T), accounts=some)[0]
    assert found.accounts.tolist() == [3, 4, 17]
    assert found.matrix.tobytes() == everybody.matrix[np.isin(everybody.accounts, some)].tobytes()
    assert same(values(log, Moment.at(T), Moment.at(START), accounts=some)[0], found)


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 119), max_size=3), settled=st.sets(st.integers(1, 4)))
def test_order_batches_and_repetition_never_show(seed: int, cuts: list[int], settled: set[int]) -> None:
    random = np.random.default_rng(seed)
    arrivals = random_arrivals(random, 6, 120)
    moments = [Moment.at(T), Moment.at(START + timedelta(days=60))]
    with TemporaryDirectory() as folder:
        expected = values(write_log(Path(folder) / "plain", [arrivals], settled=0), *moments)
        again = [arrivals[place] for place in random.integers(0, len(arrivals), 40)]
        mixed = [dict(row) for row in random.permutation(np.array(arrivals + again, dtype=object))]
        edges = [0, *sorted(cuts), len(mixed)]
        log = EventLog(Path(folder) / "mixed" / "lake" / "events")
        log.create(COLUMNS)
        for number, (start, end) in enumerate(pairwise(edges), 1):
            if start < end:
                _append_new(log, mixed[start:end], number)
            if number in settled:
                log.compact()
        assert sum(file.rows for file in log.files()) == len(arrivals)
        for one, other in zip(expected, values(log, *moments), strict=True):
            assert same(one, other)


def _append_new(log: EventLog, arrivals: Sequence[dict[str, object]], number: int) -> None:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        log.append(sift(database, rows(arrivals), log.files()).new, writer="test", number=number)


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6))
def test_facts_known_later_never_change_a_value(seed: int) -> None:
    arrivals = random_arrivals(np.random.default_rng(seed), 6, 150)
    known = [row for row in arrivals if row["known_at"] < T and row["at"] < T]  # type: ignore[operator]
    with TemporaryDirectory() as folder:
        then = values(write_log(Path(folder) / "then", [known], settled=0), Moment.at(T))[0]
        assert same(values(write_log(Path(folder) / "now", [arrivals], settled=1), Moment.at(T))[0], then)


def test_sums_of_large_numbers_are_the_same_in_any_order(tmp_path: Path) -> None:
    numbers = [1e15, 0.1, -1e15, 0.2, 1e15 - 1, 123456789.123456, 1e-9]
    arrivals = [arrival(1, "usage_recorded", T - HOUR, place, units=number) for place, number in enumerate(numbers)]
    question = Question({"units": UNITS}, codes(), [Moment.at(T)])
    found = set()
    for place in range(4):
        log = write_log(tmp_path / str(place), [arrivals[place:] + arrivals[:place]], settled=place % 2)
        found.add(ENGINE.values(log, question)[0].of(1)["units"])
    assert list(found) == [pytest.approx(1000000123456788.423456001, rel=1e-15)]


def test_numbers_no_sum_can_hold_are_missing(tmp_path: Path) -> None:
    odd = [1e300, -1e19, "NaN", "Infinity", 5]
    arrivals = [arrival(1, "usage_recorded", T - HOUR, place, units=number) for place, number in enumerate(odd)]
    log = write_log(tmp_path, [arrivals], settled=1)
    assert ENGINE.values(log, Question({"units": UNITS}, codes(), [Moment.at(T)]))[0].of(1) == {"units": 5.0}


def test_texts_are_compared_byte_by_byte(tmp_path: Path) -> None:
    # Latin and Cyrillic, composed and not, upper and lower case, trailing and no-break spaces: nine texts.
    looks = ["search", "ѕearch", "Search", "search ", "search\u00a0", "naïve", "nai\u0308ve", "ﬁle", "file"]
    arrivals = [arrival(1, "feature_used", T - HOUR, place, feature=text) for place, text in enumerate(looks * 2)]
    log = write_log(tmp_path, [arrivals], settled=1)
    assert ENGINE.values(log, Question({"features": FEATURES}, codes(), [Moment.at(T)]))[0].of(1) == {"features": 9.0}


def test_a_property_without_a_column_is_read_from_json(tmp_path: Path) -> None:
    arrivals = random_arrivals(np.random.default_rng(9), 10, 800)
    columns = {"units": "number", "feature": "text", "plan": "text", "renewal_at": "number", "advanced": "number"}
    in_columns = write_log(tmp_path / "columns", [arrivals], settled=1, columns=columns)  # type: ignore[arg-type]
    in_json = write_log(tmp_path / "json", [arrivals], settled=0, columns={})
    assert same(values(in_columns, Moment.at(T))[0], values(in_json, Moment.at(T))[0])


def test_every_name_of_the_world_is_read() -> None:
    read = {name for metric in METRICS.values() for wanted in metric.reads() for name in wanted.events}
    assert read >= set(NAMES)
