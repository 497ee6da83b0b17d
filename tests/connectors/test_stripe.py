"""What Stripe tells becomes payments and the state of a subscription, in payloads of both shapes."""

import json

import pytest

from tests.connectors.hook import changed, connector, delivery, props, read, recorded, refused

DAY_29 = "2026-10-20T14:13:20.000000Z"


def only(name: str, settings: dict[str, object] | None = None) -> dict[str, object]:
    (event,) = read("stripe", recorded("stripe", name), settings)
    return {"name": event.name, "account": event.account, **props(event)}


def test_a_new_subscription_tells_its_whole_state() -> None:
    (event,) = read("stripe", recorded("stripe", "subscription_created"))
    assert (event.message_id, event.name, event.at) == (
        "evt_1Qn7Fict0001",
        "subscription_changed",
        1_790_000_000_000_000,
    )
    assert (event.account, event.contact) == ("harbour-lights", None)
    # 10 seats at 49 a month and an add-on of 120 a year.
    assert props(event) == {
        "change": "new",
        "status": "active",
        "plan": "Team",
        "mrr": 500,
        "currency": "EUR",
        "seats": 10,
        "addons": 1,
        "renewal_at": DAY_29,
        "ending": False,
        "subscription": "sub_FictHarbour1",
    }


@pytest.mark.parametrize(
    ("name", "change", "mrr"),
    [
        ("subscription_upgraded", "upgrade", 1235),
        ("subscription_downgraded", "downgrade", 196),
        ("subscription_renewed", "renewal", 490),
        # A yearly plan of 1,200 for two, less a quarter.
        ("subscription_upgraded_2018", "upgrade", 150),
    ],
)
def test_a_change_is_told_from_what_was_before(name: str, change: str, mrr: float) -> None:
    told = only(name)
    assert (told["change"], told["mrr"], told["status"]) == (change, mrr, "active")


def test_the_older_shape_has_its_end_on_the_subscription_and_the_customer_is_the_account() -> None:
    told = only("subscription_upgraded_2018")
    assert (told["account"], told["plan"], told["seats"]) == ("cus_FictQuarry", "Gold", 2)
    assert told["renewal_at"] == "2027-07-18T14:13:20.000000Z"


def test_a_notice_of_cancellation_tells_the_reason_and_the_tone_but_not_the_words() -> None:
    told = only("subscription_cancelling")
    assert (told["change"], told["status"], told["ending"]) == ("other", "active", True)
    assert (told["reason"], told["renewal_at"], told["mrr"]) == ("too_expensive", DAY_29, 490)
    assert told["sentiment_confidence"] == "low"
    assert told["text_length"] == 67
    assert "text" not in told


def test_words_are_kept_if_the_owner_chose_so() -> None:
    assert str(only("subscription_cancelling", {"keep_text": True})["text"]).startswith("We love the product but")


def test_the_end_of_a_subscription_leaves_no_recurring_revenue() -> None:
    told = only("subscription_deleted")
    assert (told["change"], told["status"], told["mrr"]) == ("cancelled", "cancelled", 0)
    assert (told["reason"], told["ending"], told["renewal_at"]) == (
        "payment_failed",
        False,
        "2026-09-21T14:13:20.000000Z",
    )


def test_a_trial_begins_and_is_converted() -> None:
    began = read("stripe", recorded("stripe", "trial_started"))
    assert [(event.name, event.message_id) for event in began] == [
        ("subscription_changed", "evt_1Qn7Fict0007"),
        ("trial_started", "evt_1Qn7Fict0007/trial_started"),
    ]
    assert props(began[0])["mrr"] == 0
    assert props(began[1]) == {"plan": "Team", "ends_at": "2026-10-05T14:13:20.000000Z"}
    ended = read("stripe", recorded("stripe", "trial_converted"))
    assert [event.name for event in ended] == ["subscription_changed", "trial_ended"]
    assert (props(ended[0])["change"], props(ended[0])["mrr"]) == ("new", 147)
    assert props(ended[1]) == {"plan": "Team", "converted": True}


def test_a_trial_that_is_given_up_is_not_converted() -> None:
    body = recorded("stripe", "subscription_deleted")
    ended = read("stripe", changed(body, "data.object.trial_end", 1_790_000_500))
    assert [(event.name, props(event).get("converted")) for event in ended] == [
        ("subscription_changed", None),
        ("trial_ended", False),
    ]


@pytest.mark.requirement("B092")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "invoice_payment_failed",
            {
                "name": "payment_failed",
                "account": "harbour-lights",
                "invoice": "in_FictHarbour9",
                "amount": 490,
                "currency": "EUR",
                "attempts": 2,
                "next_attempt_at": "2026-09-24T14:13:20.000000Z",
                "subscription": "sub_FictHarbour1",
            },
        ),
        (
            "invoice_paid",
            {
                "name": "payment_succeeded",
                "account": "harbour-lights",
                "invoice": "in_FictHarbour9",
                "amount": 490,
                "currency": "EUR",
                "on_time": True,
                "subscription": "sub_FictHarbour1",
            },
        ),
        (
            "invoice_paid_late_2018",
            {
                "name": "payment_succeeded",
                "account": "cus_FictQuarry",
                "invoice": "in_FictOld",
                "amount": 1800,
                "currency": "USD",
                "on_time": False,
                "subscription": "sub_FictOld",
            },
        ),
        (
            # The yen has no smaller unit.
            "invoice_overdue",
            {
                "name": "invoice_overdue",
                "account": "harbour-lights",
                "invoice": "in_FictHarbour9",
                "amount": 30000,
                "currency": "JPY",
                "subscription": "sub_FictHarbour1",
            },
        ),
        (
            "charge_refunded",
            {"name": "payment_refunded", "account": "cus_FictHarbour", "amount": 150, "currency": "EUR"},
        ),
        ("customer_updated", {"name": "payment_method_changed", "account": "harbour-lights"}),
    ],
)
def test_money_is_told_in_the_currency_itself(name: str, told: dict[str, object]) -> None:
    assert only(name) == told


def test_a_dispute_names_only_the_address_of_a_contact() -> None:
    (event,) = read("stripe", recorded("stripe", "charge_dispute_created"))
    assert (event.name, event.account, event.contact) == ("payment_disputed", None, "books@harbour-lights.example")
    assert (
        refused("stripe", changed(recorded("stripe", "charge_dispute_created"), "data.object.evidence", {}))
        == "no_subject"
    )


@pytest.mark.parametrize(
    ("interval", "count", "mrr"),
    [("day", 1, 49 * 365 / 12), ("week", 2, 49 * 365 / 84 / 2), ("month", 3, 49 / 3), ("year", 2, 49 / 24)],
)
def test_every_interval_is_brought_to_a_month_without_rounding_on_the_way(
    interval: str, count: int, mrr: float
) -> None:
    body = changed(recorded("stripe", "subscription_created"), "data.object.items.data.1.quantity", 0)
    body = changed(body, "data.object.items.data.0.quantity", 1)
    body = changed(body, "data.object.items.data.0.price.recurring", {"interval": interval, "interval_count": count})
    (event,) = read("stripe", body)
    assert props(event)["mrr"] == pytest.approx(mrr, rel=1e-15)


@pytest.mark.parametrize(("currency", "mrr"), [("krw", 49000), ("kwd", 49), ("isk", 490), ("usd", 490)])
def test_a_currency_has_as_many_places_as_stripe_gives_it(currency: str, mrr: float) -> None:
    body = recorded("stripe", "subscription_renewed").replace(b'"eur"', f'"{currency}"'.encode())
    (event,) = read("stripe", body)
    assert props(event)["mrr"] == mrr


def test_parts_of_a_cent_count() -> None:
    body = changed(recorded("stripe", "subscription_renewed"), "data.object.items.data.0.price.unit_amount", None)
    body = changed(body, "data.object.items.data.0.price.unit_amount_decimal", "0.25")
    (event,) = read("stripe", body)
    assert props(event)["mrr"] == 0.025


def test_a_price_in_steps_leaves_the_revenue_out_instead_of_guessing() -> None:
    body = changed(recorded("stripe", "subscription_created"), "data.object.items.data.0.price.unit_amount", None)
    (event,) = read("stripe", changed(body, "data.object.items.data.0.price.unit_amount_decimal", None))
    assert "mrr" not in props(event)


def test_what_is_metered_afterwards_is_no_recurring_revenue() -> None:
    body = recorded("stripe", "subscription_created")
    (event,) = read("stripe", changed(body, "data.object.items.data.1.price.recurring.usage_type", "metered"))
    assert (props(event)["mrr"], props(event)["addons"]) == (490, 0)


def test_a_discount_for_once_is_not_taken_off_and_one_that_goes_on_is() -> None:
    body = recorded("stripe", "subscription_renewed")
    for duration, mrr in (("once", 490), ("forever", 440)):
        coupon = {"duration": duration, "amount_off": 5000, "currency": "eur", "percent_off": None}
        (event,) = read("stripe", changed(body, "data.object.discounts", [{"coupon": coupon}]))
        assert props(event)["mrr"] == mrr


def test_a_pause_of_collection_is_a_pause() -> None:
    body = changed(recorded("stripe", "subscription_renewed"), "data.object.pause_collection", {"behavior": "void"})
    (event,) = read("stripe", body)
    assert (props(event)["status"], props(event)["mrr"]) == ("paused", 0)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("subscription_created", "type", "price.updated"),
        ("subscription_created", "data.object.status", "incomplete"),
        ("invoice_paid", "type", "invoice.payment_succeeded"),
        ("invoice_paid", "data.object.amount_paid", 0),
        ("customer_updated", "data.previous_attributes", {"name": "Harbour"}),
    ],
)
def test_what_we_do_not_use_gives_nothing(name: str, path: str, value: object) -> None:
    assert read("stripe", changed(recorded("stripe", name), path, value)) == []


def test_the_account_is_in_the_metadata_that_the_source_names() -> None:
    body = changed(recorded("stripe", "invoice_paid"), "data.object.metadata", {"org.id": 17})
    assert read("stripe", body, {"account_metadata": "org.id"})[0].account == "17"
    assert read("stripe", body, {"account_metadata": "other"})[0].account == "cus_FictHarbour"


@pytest.mark.parametrize(
    ("name", "path", "value", "code"),
    [
        ("subscription_created", "data.object.items.data.0.price.unit_amount_decimal", "-4900", "negative_amount"),
        ("subscription_created", "data.object.items.data.0.quantity", -3, "negative_amount"),
        ("invoice_paid", "data.object.amount_paid", -1, "negative_amount"),
        ("invoice_paid", "data.object.amount_paid", 10**40, "number_out_of_range"),
        ("invoice_paid", "data.object.amount_paid", 2**53 + 1, "number_out_of_range"),
        ("invoice_paid", "data.object.id", "in_" + "9" * 600, "id_too_long"),
        ("invoice_paid", "created", 4_000_000_000, "too_far_ahead"),
        ("invoice_paid", "created", None, "time_missing"),
        ("invoice_paid", "id", None, "message_id_missing"),
        ("subscription_created", "data.object.items.data.0.price.nickname", "x" * 9000, "too_long"),
        ("subscription_created", "data.object.items.data.0.price.nickname", "Te\0am", "nul"),
        ("subscription_created", "data.object.items.data.0.price.nickname", "x" * 2_000_000, "too_large"),
    ],
)
def test_absurd_data_is_refused_with_a_reason_and_kept(name: str, path: str, value: object, code: str) -> None:
    assert refused("stripe", changed(recorded("stripe", name), path, value)) == code


def test_a_refused_event_is_read_again_under_its_id() -> None:
    stripe = connector("stripe")
    body = changed(recorded("stripe", "charge_dispute_created"), "data.object.evidence", {})
    (refusal,) = stripe.read(delivery(body), {}).refusals
    mended = json.dumps({**json.loads(refusal.body), "data": {"object": {"customer": "cus_1"}}}).encode()
    (event,) = stripe.replay(mended, refusal.message_id, {}, known_at=delivery(b"").known_at).events
    assert (event.message_id, event.account) == ("evt_1Qn7Fict0015", "cus_1")
