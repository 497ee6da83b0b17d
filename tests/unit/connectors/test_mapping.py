"""What a map makes of a row: times, events, properties and ids."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.connectors.local_time import zone_shifts
from tests.unit.connectors.import_case import PLAIN_MAP, import_case

HEADER = "account,at,minutes\n"


@pytest.mark.parametrize(
    ("written", "settings", "expected"),
    [
        ("2026-01-01", "", "2026-01-01T00:00:00"),
        ("2026-01-01", "date_at: '12:30'", "2026-01-01T12:30:00"),
        ("2026-01-01 10:00", "", "2026-01-01T10:00:00"),
        ("2026-01-01T10:00:00.123456789", "", "2026-01-01T10:00:00.123456"),
        ("2026-01-01T10:00:00+0530", "", "2026-01-01T04:30:00"),
        ("2026-01-01T10:00:00Z", "zone: Asia/Tokyo", "2026-01-01T10:00:00"),
        ("2026-01-01T10:00", "zone: Asia/Tokyo", "2026-01-01T01:00:00"),
        ("01.02.2026", "formats: ['%d.%m.%Y']", "2026-02-01T00:00:00"),
        ("01.02.2026 08:15", "formats: ['%d.%m.%Y', '%d.%m.%Y %H:%M']", "2026-02-01T08:15:00"),
        ("01.02.2026 08:15 +0200", "formats: ['%d.%m.%Y %H:%M %z']", "2026-02-01T06:15:00"),
        ("1767225600.5", "formats: [unix]", "2026-01-01T00:00:00.5"),
        ("1767225600500", "formats: [unix_ms]", "2026-01-01T00:00:00.5"),
        ("2026-01-01T22:00", "{whole_day: true, date_at: '23:59'}", "2026-01-01T23:59:00"),
        # The hour that the clock skips, and the first of the hours that it repeats.
        ("2026-03-29T02:30", "zone: Europe/Berlin", "2026-03-29T01:00:00"),
        ("2025-10-26T02:30", "zone: Europe/Berlin", "2025-10-26T00:30:00"),
        ("2026-03-08T02:30", "zone: America/New_York", "2026-03-08T07:00:00"),
        ("2025-11-02T01:30", "zone: America/New_York", "2025-11-02T05:30:00"),
    ],
)
def test_times_are_read_as_the_map_says(tmp_path: Path, written: str, settings: str, expected: str) -> None:
    extra = settings.strip("{}")
    text = PLAIN_MAP.replace("time: at", f"time: {{column: at{', ' + extra if extra else ''}}}")
    found = import_case(tmp_path, f"{HEADER}acme,{written},1\n", text)
    assert found.values("at") == [datetime.fromisoformat(expected).replace(tzinfo=UTC)]


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]),
    st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001
)
def test_every_wall_time_of_every_zone_is_its_instant(zone: str, wall: datetime) -> None:
    shifts = zone_shifts(zone).to_pylist()
    local = (wall - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001
    row = [shift for shift in shifts if shift["local_from"] <= local][-1]
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=max(local - row["shift"], row["utc_from"]))
    aware = wall.replace(tzinfo=ZoneInfo(zone), fold=0)
    back = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert back == wall or back > wall
    assert found == aware.astimezone(UTC) or back > wall


def test_a_row_may_give_several_events(tmp_path: Path) -> None:
    text = """\
source: billing
account: account
message_id: id
known_after: 1d
events:
  - {name: subscription_changed, id: started, time: start, properties: {status: {constant: active}, mrr: mrr}}
  - name: subscription_changed
    id: ended
    time: end
    known_after: 2h
    when: {column: end, not_empty: true}
    properties: {status: {constant: cancelled}}
"""
    content = "id,account,start,end,mrr\ns1,acme,2026-01-01,2026-02-01,10\ns2,acme,2026-03-01,,20\n"
    found = import_case(tmp_path, content, text)
    assert found.ids == {"s1/started", "s1/ended", "s2/started"}
    ended = next(event for event in found.events if event["message_id"] == "s1/ended")
    assert ended["known_at"] == datetime(2026, 2, 1, 2, tzinfo=UTC)
    started = next(event for event in found.events if event["message_id"] == "s2/started")
    assert started["known_at"] == datetime(2026, 3, 2, tzinfo=UTC)


def test_values_are_converted_and_translated(tmp_path: Path) -> None:
    text = """\
source: app
account: {columns: [region, account], join: ":"}
nulls: [n/a]
skip_when: [{column: account, equals: test}]
events:
  - name: {column: what, values: {click: feature_used, login: signed_in}, otherwise: skip}
    time: at
    properties:
      minutes: {column: seconds, divide_by: 60}
      core: {column: core, values: {"True": true, "False": false}}
      feature: {column: feature, values: {a: alpha}, otherwise: keep}
"""
    content = (
        "region,account,what,at,seconds,core,feature\n"
        "eu,1,click,2026-01-01,90,True,a\n"
        "eu,2,login,2026-01-01,n/a,False,b\n"
        "eu,3,noise,2026-01-01,1,True,a\n"
        "eu,test,click,2026-01-01,1,True,a\n"
        "eu,4,click,2026-01-01,1,maybe,a\n"
    )
    found = import_case(tmp_path, content, text)
    assert found.values("account") == ["eu:1", "eu:2"]
    assert found.values("name") == ["feature_used", "signed_in"]
    assert found.props() == [
        {"core": True, "feature": "alpha", "minutes": 1.5},
        {"core": False, "feature": "b"},
    ]
    assert found.codes() == [(6, "word_not_in_table")]
    assert (found.report.rows.skipped, found.report.rows.without_event) == (1, 1)


def test_properties_of_a_json_column_are_taken_and_named_ones_win(tmp_path: Path) -> None:
    text = PLAIN_MAP + "    properties_from: more\n"
    content = (
        "account,at,minutes,more\n"
        'a,2026-01-01,1,"{""b"": 2.0, ""minutes"": 9, ""none"": null}"\n'
        "a,2026-01-01,1,\n"
        'a,2026-01-01,1,"{""b"": NaN}"\n'
        "a,2026-01-01,1,[1]\n"
        'a,2026-01-01,1,"{""b"": 1, ""b"": 2}"\n'
        'a,2026-01-01,1,"{""b"": 1e400}"\n'
    )
    found = import_case(tmp_path, content, text)
    assert found.props() == [{"b": 2, "minutes": 1}, {"minutes": 1}]
    assert found.codes() == [(line, "properties_invalid") for line in (4, 5, 6, 7)]


def test_conditions_read_numbers_times_and_other_columns(tmp_path: Path) -> None:
    text = """\
source: app
account: account
events:
  - name: signed_in
    time: at
    when:
      - {column: minutes, above: 1}
      - {column: at, before_column: end}
      - any: [{column: plan, one_of: [pro, team]}, {column: plan, empty: true}]
"""
    content = (
        "account,at,end,minutes,plan\n"
        "1,2026-01-01,2026-01-02,2,pro\n"
        "2,2026-01-01,2026-01-02,2,\n"
        "3,2026-01-01,2026-01-02,1,pro\n"
        "4,2026-01-02,2026-01-02,2,pro\n"
        "5,2026-01-01,2026-01-02,2,free\n"
        "6,2026-01-01,2026-01-02,many,pro\n"
    )
    found = import_case(tmp_path, content, text)
    assert found.values("account") == ["1", "2"]
    assert found.codes() == [(7, "condition_unreadable")]


def test_rows_are_left_out_by_another_file(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("who,is_staff\n1,yes\n2,no\n", encoding="utf-8")
    text = PLAIN_MAP + (
        "skip_when:\n  column: account\n"
        "  listed_in: {file: staff.csv, column: who, when: {column: is_staff, equals: 'yes'}}\n"
    )
    found = import_case(tmp_path, HEADER + "1,2026-01-01,1\n2,2026-01-01,1\n", text)
    assert found.values("account") == ["2"]


def test_the_same_rows_in_any_order_have_the_same_ids_and_copies_count(tmp_path: Path) -> None:
    rows = [f"a{number % 7},2026-01-0{1 + number % 3},{number % 2}" for number in range(200)]
    first = import_case(tmp_path, HEADER + "\n".join(rows))
    random.Random(1).shuffle(rows)
    second = import_case(tmp_path, HEADER + "\n".join(rows))
    assert len(first.ids) == 200
    assert first.ids == second.ids
    assert first.report.ids.repeated == 200 - 42


def test_a_longer_file_keeps_the_ids_of_the_shorter_one(tmp_path: Path) -> None:
    rows = ["a,2026-01-01,1", "a,2026-01-01,1", "b,2026-01-01,1"]
    shorter = import_case(tmp_path, HEADER + "\n".join(rows))
    longer = import_case(tmp_path, HEADER + "\n".join(["c,2026-01-01,1", *rows, "a,2026-01-01,1"]))
    assert shorter.ids < longer.ids


def test_batches_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = HEADER + "\n".join(f'"a\n{number % 5}",2026-01-01,{number}' for number in range(100)) + "\nx,y\n"
    whole = import_case(tmp_path, content)
    monkeypatch.setattr("keepwell.connectors.readers.csv_file.ROWS_A_BATCH", 7)
    parts = import_case(tmp_path, content)
    assert whole.ids == parts.ids
    assert whole.rejects == parts.rejects
