"""A source says where things are in the bodies of any system that signs by the convention."""

import pytest

from tests.connectors.hook import changed, connector, delivery, props, read, recorded, refused

SALE = recorded("standard_webhooks", "sale")


def test_without_settings_the_usual_places_are_read() -> None:
    (event,) = read("standard_webhooks", SALE)
    assert (event.message_id, event.name, event.at) == ("msg_1", "deal.won", 1_790_000_000_000_000)
    assert (event.account, event.contact) == ("harbour-lights", None)
    assert props(event) == {"amount": 1200.5, "currency": "EUR", "is_new": True}


def test_the_settings_say_where_things_are() -> None:
    chosen = {
        "account": "data.organisation.id",
        "contact": "data.currency",
        "props": {"seats": "data.lines.0.seats", "missing": "data.nothing"},
        "names": {"deal.won": "expansion_discussed"},
    }
    (event,) = read("standard_webhooks", SALE, chosen)
    assert (event.name, event.account, event.contact) == ("expansion_discussed", "org-9", "EUR")
    assert props(event) == {"seats": 5}


def test_with_a_table_of_names_other_types_are_dropped() -> None:
    assert read("standard_webhooks", SALE, {"names": {"deal.lost": "churned"}}) == []


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("data.account_id", None, "no_subject"),
        ("data.amount", -5, "negative_amount"),
        ("data.currency", "x" * 9000, "too_long"),
        ("data.currency", "\0", "nul"),
        ("data.amount", 2**60, "number_out_of_range"),
        ("data", {"account_id": "a", **{f"k{number}": 1 for number in range(300)}}, "too_many_keys"),
        ("data", {"account_id": "a", **{f"k{number}": "x" * 8000 for number in range(9)}}, "too_large"),
        ("type", "", "name_missing"),
        ("timestamp", None, "time_missing"),
    ],
)
def test_absurd_data_is_refused_with_a_reason(path: str, value: object, code: str) -> None:
    assert refused("standard_webhooks", changed(SALE, path, value)) == code


def test_a_refused_event_is_read_again_under_its_id() -> None:
    hook = connector("standard_webhooks")
    (refusal,) = hook.read(delivery(SALE, {"svix-id": "msg_7"}), {"account": "data.wrong"}).refusals
    (event,) = hook.replay(refusal.body, refusal.message_id, {}, known_at=delivery(b"").known_at).events
    assert (event.message_id, event.account) == ("msg_7", "harbour-lights")
