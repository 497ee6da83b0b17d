"""PostHog's dialect."""

import json

import pytest

from keepwell.facts.inbound import Inbound, UnreadableError
from tests.unit.connectors.dialect_case import BROWSER, KNOWN_AT, SECOND, SERVER, codes, props_of, read

# What posthog 7.91.1 for Python sent over loopback, shortened.
PYTHON = b"""{"batch": [
{"properties": {"surface": "web", "x": null, "$python_runtime": "CPython", "$os": "Linux",
 "$groups": {"company": "acme"}, "$lib": "posthog-python", "$geoip_disable": true, "$is_server": true},
 "timestamp": "2026-11-20T09:00:00+00:00",
 "distinct_id": "u1", "event": "signed in", "uuid": "b80e3e34"},
{"timestamp": "2026-11-20T09:59:59.462415+00:00", "distinct_id": "u1", "$set": {"email": "a@example.org"},
 "event": "$set", "properties": {"$lib": "posthog-python"}, "uuid": "74dd96b4"},
{"event": "$groupidentify", "properties": {"$group_type": "company", "$group_key": "acme",
 "$group_set": {"industry": "Chemistry"}, "$lib": "posthog-python"}, "distinct_id": "2d684244", "uuid": "039a0338",
 "timestamp": "2026-11-20T09:59:59.462581+00:00"},
{"properties": {"distinct_id": "anon", "alias": "u1", "$lib": "posthog-python"}, "distinct_id": "anon",
 "timestamp": "2026-11-20T09:59:59.462616+00:00", "event": "$create_alias", "uuid": "851d4ab3"}
], "historical_migration": false, "sent_at": "2026-11-20T10:00:00+00:00", "api_key": "PKEY"}"""


def test_what_the_client_sends_is_understood() -> None:
    found = read("posthog", PYTHON, sender=SERVER)
    assert found.refusals == []
    event, contact, account, alias = found.events
    assert event == Inbound(
        "b80e3e34", "signed in", KNOWN_AT - 3600 * SECOND, "acme", "u1", '{"surface":"web","x":null}'
    )
    assert (contact.name, contact.contact, contact.props) == ("contact_updated", "u1", '{"email":"a@example.org"}')
    assert (account.name, account.account, account.contact) == ("account_updated", "acme", None)
    assert account.props == '{"industry":"Chemistry"}'
    assert (alias.name, alias.contact, alias.props) == ("contact_aliased", "u1", '{"previous_id":"anon"}')


@pytest.mark.parametrize(
    ("groups", "account"),
    [
        ({"account": "a", "company": "c", "organization": "o"}, "a"),
        ({"project": "p", "organization": "o", "company": "c"}, "c"),
        ({"project": "p"}, "p"),
        ({"project": 7}, "7"),
        ({"project": "p", "team": "t"}, None),
        ({}, None),
    ],
)
def test_the_surest_kind_of_group_is_the_account(groups: object, account: str | None) -> None:
    event = {"event": "a", "distinct_id": "u1", "uuid": "1", "properties": {"$groups": groups}}
    assert [one.account for one in read("posthog", event, "/capture/").events] == [account]


@pytest.mark.parametrize("path", ["/batch", "/batch/", "/capture/", "/e/", "/i/v0/e/"])
def test_every_path_takes_one_event_a_batch_or_a_list(path: str) -> None:
    event = {"event": "a", "properties": {"distinct_id": "u1", "token": "k", "$ip": "::1"}, "uuid": "1"}
    expected = [Inbound("1", "a", KNOWN_AT, None, "u1", "")]
    for body in (event, {"batch": [event]}, [event]):
        assert read("posthog", body, path).events == expected
    with pytest.raises(UnreadableError):
        read("posthog", event, "/decide/")


def test_a_page_tells_its_address_and_a_screen_its_name() -> None:
    page = {
        "event": "$pageview",
        "distinct_id": "u1",
        "properties": {"$current_url": "https://x/y", "title": "Y", "$os": "L"},
    }
    screen = {"event": "$screen", "distinct_id": "u1", "properties": {"$screen_name": "Home"}}
    found = read("posthog", [page, screen])
    assert [event.name for event in found.events] == ["page_viewed", "screen_viewed"]
    assert props_of(found) == [{"url": "https://x/y", "title": "Y"}, {"name": "Home"}]


def test_history_keeps_the_times_that_it_tells() -> None:
    event = {"event": "a", "distinct_id": "u1", "timestamp": "2024-02-29T00:00:00Z"}
    around = {"batch": [event], "sent_at": "2026-11-20T10:00:05Z"}
    (live,) = read("posthog", around).events
    (history,) = read("posthog", {**around, "historical_migration": True}).events
    assert live.at - history.at == -5 * SECOND
    assert history.at == 1_709_164_800 * SECOND
    (before,) = read("posthog", {"event": "a", "distinct_id": "u1", "offset": 1500}, "/e/").events
    assert before.at == KNOWN_AT - 1_500_000


def test_a_contact_that_is_nobody_in_particular_is_none() -> None:
    event = {"event": "a", "distinct_id": "random", "properties": {"$process_person_profile": False}}
    assert codes(read("posthog", event, "/e/")) == ["no_subject"]
    event["properties"] = {"$process_person_profile": False, "$groups": {"company": "acme"}}
    assert [(one.account, one.contact) for one in read("posthog", event, "/e/").events] == [("acme", None)]


def test_an_untrusted_key_merges_nobody_and_sets_no_plan() -> None:
    def group(traits: object, kind: str = "company") -> object:
        told = {"$group_type": kind, "$group_key": "acme", "$group_set": traits}
        return {"event": "$groupidentify", "distinct_id": "x", "properties": told}

    batch = [
        {"event": "$create_alias", "distinct_id": "a", "properties": {"alias": "b"}},
        {"event": "$merge_dangerously", "distinct_id": "a", "properties": {"alias": "b"}},
        {"event": "$identify", "distinct_id": "a", "properties": {"$set": {"unsubscribed": False}}},
        {"event": "payment_failed", "distinct_id": "a"},
        group({"plan": "enterprise"}),
    ]
    assert codes(read("posthog", batch, sender=BROWSER)) == ["needs_server_key"] * len(batch)
    assert not read("posthog", batch, sender=SERVER).refusals
    assert codes(read("posthog", [group({}, "project"), group({}, "company")])) == ["unknown_group_type"]


def test_neither_address_nor_device_nor_key_stays_behind() -> None:
    event = {
        "event": "",
        "distinct_id": "u1",
        "properties": {"$ip": "203.0.113.7", "$raw_user_agent": "Mozilla", "token": "phc_k"},
    }
    text = json.dumps({"api_key": "phc_k", "batch": [event, {**event, "event": "a"}]})
    for body in (text, text.replace('"Mozilla"', '"Mozilla", "x": NaN')):
        found = read("posthog", body.encode())
        assert found.received == 2
        assert not any(word in repr(found) for word in ("203.0.113.7", "Mozilla", "phc_k"))
