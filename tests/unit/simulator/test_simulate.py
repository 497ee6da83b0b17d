"""The simulated histories: repeatable, well-formed, and with the fates they promise."""

import io
import json
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from keepwell.simulator.batch import SCHEMA
from keepwell.simulator.flavour import PackageName
from keepwell.simulator.simulate import simulate
from keepwell.simulator.world import Happening, three_accounts, world
from tests.packages.shipped import shipped

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 200
BOTH = pytest.mark.parametrize("package", ["saas", "crypto"])
# Told with their real times, which may lie before the history.
MASTER_FACTS = {
    "account_created",
    "account_updated",
    "account_added_user",
    "account_removed_user",
    "contact_updated",
    "signed_up",
    "invite_sent",
    "onboarding_started",
    "onboarding_step_completed",
    "onboarding_completed",
    "subscription_changed",
    "addon_changed",
    "expansion_discussed",
    "renewal_estimated",
}


@cache
def history(package: PackageName) -> pa.Table:
    return simulate(package, seed=3, accounts=40, days=DAYS, until=UNTIL)


def as_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def uses_by_day(table: pa.Table, account: str) -> NDArray[np.int64]:
    """Uses of features on each day of the history, oldest first."""
    chosen = pc.and_(pc.equal(table["event"], "feature_used"), pc.equal(table["account"], account))
    at = table.filter(chosen)["timestamp"].to_numpy().astype("datetime64[us]")
    ago = (np.datetime64(UNTIL.replace(tzinfo=None)) - at) // np.timedelta64(1, "D")
    return np.bincount(DAYS - 1 - ago.astype(np.int64), minlength=DAYS)


@BOTH
def test_the_same_seed_gives_the_same_bytes(package: PackageName) -> None:
    again = simulate(package, seed=3, accounts=40, days=DAYS, until=UNTIL)
    assert as_bytes(again) == as_bytes(history(package))


@BOTH
def test_another_seed_gives_another_history(package: PackageName) -> None:
    other = simulate(package, seed=4, accounts=40, days=DAYS, until=UNTIL)
    assert other["account"].to_pylist() != history(package)["account"].to_pylist()


@BOTH
def test_rows_are_ordered_and_named_once(package: PackageName) -> None:
    table = history(package)
    at = table["timestamp"].to_numpy()
    assert table.schema == SCHEMA
    assert (at[1:] >= at[:-1]).all()
    assert len(set(table["message_id"].to_pylist())) == len(table)
    assert table["account"].null_count == table["event"].null_count == table["properties"].null_count == 0


@BOTH
def test_everything_lies_in_the_history_but_facts_that_are_older(package: PackageName) -> None:
    table = history(package)
    at = table["timestamp"]
    assert pc.max(at).as_py() < UNTIL
    older = table.filter(pc.less(at, pa.scalar(UNTIL - timedelta(days=DAYS), at.type)))
    assert set(older["event"].unique().to_pylist()) <= MASTER_FACTS


@BOTH
def test_every_event_and_property_is_in_the_catalogue(package: PackageName) -> None:
    types = {"number": (int, float), "time": (int, float), "text": str, "boolean": bool}
    catalogue = shipped(package).catalogue.events
    table = history(package)
    assert set(table["event"].unique().to_pylist()) <= set(catalogue)
    seen = set(zip(table["event"].to_pylist(), table["properties"].to_pylist(), strict=True))
    wrong = {
        f"{event}.{name}"
        for event, text in seen
        for name, value in json.loads(text).items()
        if name not in catalogue[event].properties
        or not isinstance(value, types[catalogue[event].properties[name].type])
        or (isinstance(value, bool) and catalogue[event].properties[name].type != "boolean")
    }
    assert wrong == set()


@BOTH
def test_contacts_act_for_their_own_account(package: PackageName) -> None:
    table = history(package)
    pairs = set(zip(table["account"].to_pylist(), table["contact"].to_pylist(), strict=True))
    strangers = [pair for pair in pairs if pair[1] is not None and pair[1].rsplit("-", 1)[0] != pair[0]]
    assert strangers == []


@BOTH
def test_weekends_are_quiet(package: PackageName) -> None:
    table = history(package)
    signed_in = table.filter(pc.equal(table["event"], "signed_in"))["timestamp"]
    by_weekday = np.bincount(pc.day_of_week(signed_in).to_numpy(), minlength=7)
    assert by_weekday[5:].mean() < {"saas": 0.35, "crypto": 0.75}[package] * by_weekday[:5].mean()


@BOTH
def test_the_named_accounts_meet_their_fates(package: PackageName) -> None:
    early, late = slice(0, 60), slice(DAYS - 30, DAYS)
    acme, borealis, cobalt = (uses_by_day(history(package), key) for key in ("acme", "borealis", "cobalt"))
    assert acme[late].mean() > 1.2 * acme[early].mean()
    assert borealis[late].mean() < 0.5 * borealis[early].mean()
    assert cobalt[early].mean() > 1
    assert cobalt[late].sum() == 0


def test_an_account_that_left_says_so() -> None:
    table = history("saas")
    cobalt = table.filter(
        pc.and_(pc.equal(table["account"], "cobalt"), pc.equal(table["event"], "subscription_changed"))
    )
    last = json.loads(cobalt["properties"].to_pylist()[-1])
    assert (last["change"], last["status"], last["mrr"]) == ("cancelled", "cancelled", 0)


def test_nobody_in_it_is_real() -> None:
    table = history("saas")
    told = table.filter(pc.equal(table["event"], "contact_updated"))["properties"].to_pylist()
    assert all(json.loads(text)["email"].endswith(".example.com") for text in told)


def test_more_accounts_than_names_still_have_keys_of_their_own() -> None:
    table = simulate("saas", seed=1, accounts=2000, days=60, until=UNTIL)
    assert len(table["account"].unique()) == 2000


@pytest.mark.parametrize(("accounts", "days"), [(0, 100), (5, 59)])
def test_a_history_too_small_to_show_anything_is_refused(accounts: int, days: int) -> None:
    with pytest.raises(ValueError, match="at least 1 account and 60 days"):
        simulate("saas", seed=1, accounts=accounts, days=days, until=UNTIL)


def test_a_single_account_is_acme() -> None:
    assert simulate("saas", seed=1, accounts=1, days=60, until=UNTIL)["account"].unique().to_pylist() == ["acme"]


def test_a_history_may_end_within_a_day() -> None:
    noon = UNTIL + timedelta(hours=12)
    table = simulate("saas", seed=1, accounts=5, days=60, until=noon)
    newest = pc.max(table["timestamp"]).as_py()
    assert UNTIL <= newest < noon


def test_a_hand_made_world_is_what_was_told_in_order_of_time() -> None:
    later = Happening("acme", "signed_in", UNTIL, "ann", {"surface": "web"})
    table = world([later, Happening("acme", "account_created", UNTIL - timedelta(days=1))])
    assert table.schema == SCHEMA
    assert table.select(["account", "contact", "event", "properties"]).to_pylist() == [
        {"account": "acme", "contact": None, "event": "account_created", "properties": "{}"},
        {"account": "acme", "contact": "ann", "event": "signed_in", "properties": '{"surface": "web"}'},
    ]


def test_the_three_accounts_use_only_the_catalogue() -> None:
    catalogue = shipped("saas").catalogue.events
    unknown = [
        f"{one.event}.{name}"
        for one in three_accounts(UNTIL)
        for name in (one.event, *one.properties)
        if one.event not in catalogue or (name != one.event and name not in catalogue[one.event].properties)
    ]
    assert unknown == []
