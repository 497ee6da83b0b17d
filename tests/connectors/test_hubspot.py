"""Changes of companies and deals at HubSpot, many in one delivery, each for itself."""

import json

from tests.connectors.hook import changed, connector, delivery, props, recorded

TIERS = {"properties": {"customer_tier": "plan"}, "currency": "EUR"}


def test_every_change_is_taken_or_refused_for_itself() -> None:
    reading = connector("hubspot").read(delivery(recorded("hubspot", "changes")), TIERS)
    assert [(event.name, event.account, props(event)) for event in reading.events] == [
        ("account_updated", "5001", {"name": "Harbour Lights"}),
        ("account_updated", "5001", {"employees": 140}),
        ("expansion_discussed", "5001", {"opportunity": "9001"}),
        ("account_updated", "5002", {"plan": "gold"}),
    ]
    assert len({event.message_id for event in reading.events}) == 4
    (refusal,) = reading.refusals
    assert (refusal.place, refusal.code) == (4, "no_subject")
    # What is kept can be read again by itself.
    assert json.loads(refusal.body)[0]["objectId"] == 9001
    again = connector("hubspot").replay(refusal.body, refusal.message_id, TIERS, known_at=delivery(b"").known_at)
    assert [other.message_id for other in again.refusals] == [refusal.message_id]


def test_a_second_attempt_has_the_same_ids() -> None:
    hubspot = connector("hubspot")
    first = recorded("hubspot", "changes")
    second = changed(first, "0.attemptNumber", 3)
    assert hubspot.read(delivery(first), {}).events == hubspot.read(delivery(second), {}).events


def test_a_number_below_nothing_is_refused() -> None:
    body = changed(recorded("hubspot", "changes"), "1.propertyValue", "-140")
    codes = [refusal.code for refusal in connector("hubspot").read(delivery(body), {}).refusals]
    assert codes == ["negative_amount", "no_subject"]
