"""Accounts as tables know them become events, each account alone."""

import json

from keepwell.connectors.dialect import Sender
from keepwell.connectors.dialects.accounts import Accounts
from keepwell.facts.inbound import Reading

KNOWN_AT = 1_780_000_000_000_000
SERVER = Sender(is_trusted=True, trusted_names=frozenset({"subscription_changed"}))

ONE = {"accounts": [{"id": "acme", "name": "Acme", "plan": "pro", "mrr": 1200, "seats": 12, "message_id": "crm-1"}]}
SEVERAL = {
    "accounts": [
        {"id": "borealis", "industry": "Energy", "at": "2026-05-01T00:00:00Z", "message_id": "crm-2"},
        {"id": "cobalt", "mrr": -1, "message_id": "crm-3"},
        {"id": True, "name": "Nobody", "message_id": "crm-4"},
        {"id": "delta", "ending": True, "renewal_at": "2027-01-31", "message_id": "crm-5"},
    ]
}


def read(body: dict[str, object]) -> Reading:
    return Accounts().read(json.dumps(body).encode(), SERVER, path="/", headers={}, known_at=KNOWN_AT)


def test_an_account_tells_its_traits_and_its_subscription_apart() -> None:
    reading = read(ONE)
    assert reading.refusals == []
    told = {event.name: json.loads(event.props) for event in reading.events}
    assert told["account_updated"]["name"] == "Acme"
    assert {name: told["subscription_changed"][name] for name in ("plan", "mrr", "seats")} == {
        "plan": "pro",
        "mrr": 1200,
        "seats": 12,
    }
    assert {event.account for event in reading.events} == {"acme"}
    assert len({event.message_id for event in reading.events}) == len(reading.events)


def test_a_bad_account_harms_only_itself() -> None:
    reading = read(SEVERAL)
    assert {event.account for event in reading.events} == {"borealis", "delta"}
    assert [(refusal.place, refusal.code) for refusal in reading.refusals] == [(1, "value_invalid"), (2, "id_invalid")]


def test_the_same_account_again_has_the_same_ids() -> None:
    assert read(ONE) == read(ONE)
