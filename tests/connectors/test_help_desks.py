"""What help desks tell becomes tickets with their severity, replies with their tone, and ratings."""

import json

import pytest

from tests.connectors.hook import changed, connector, delivery, props, read, recorded, refused


def test_a_ticket_of_zendesk_tells_severity_and_tone_and_not_its_words() -> None:
    (event,) = read("zendesk", recorded("zendesk", "ticket_created"))
    assert (event.name, event.message_id) == ("ticket_opened", "2b24ef10-19d4-4740-93cf-000000000001")
    assert (event.at, event.account, event.contact) == (1_790_000_000_000_000, "8447346622462", "8447388090496")
    told = props(event)
    assert told.pop("sentiment") == pytest.approx(-0.7263)
    assert told == {
        "ticket": "35436",
        "severity": "high",
        "severity_points": 4,
        "sentiment_confidence": "low",
        "text_length": 67,
    }
    assert "terrible" not in event.props


def test_words_are_kept_if_the_owner_chose_so() -> None:
    (event,) = read("zendesk", recorded("zendesk", "ticket_created"), {"keep_text": True})
    assert props(event)["text"] == "Nothing works since this morning. This is terrible, we lose orders!"


@pytest.mark.requirement("B089")
@pytest.mark.parametrize(
    ("kind", "name", "event_name", "told"),
    [
        ("zendesk", "comment_added", "ticket_replied", {"sentiment": 0.8398}),
        ("zendesk", "priority_changed", "ticket_escalated", {"severity": "urgent"}),
        ("zendesk", "status_solved", "ticket_solved", {"hours_to_solve": 48}),
        ("zendesk", "status_reopened", "ticket_reopened", {"severity": "high"}),
        ("zendesk", "trigger_rated", "ticket_rated", {"rating": 1, "sentiment": -0.5046}),
        ("intercom", "conversation_user_created", "ticket_opened", {"severity": "normal", "severity_points": 2}),
        ("intercom", "conversation_user_replied", "ticket_replied", {"sentiment": 0.4926}),
        ("intercom", "conversation_priority_updated", "ticket_escalated", {"severity": "high"}),
        ("intercom", "conversation_admin_closed", "ticket_solved", {"hours_to_solve": 2}),
        ("intercom", "conversation_admin_opened", "ticket_reopened", {}),
        ("intercom", "conversation_rating_added", "ticket_rated", {"rating": 4, "sentiment": 0.4939}),
        ("intercom", "ticket_created", "ticket_opened", {"severity": "urgent", "severity_points": 8}),
        ("intercom", "ticket_contact_replied", "ticket_replied", {"sentiment": -0.5106}),
        ("intercom", "ticket_resolved", "ticket_solved", {"hours_to_solve": 1.5}),
        ("intercom", "ticket_reopened", "ticket_reopened", {"severity": "urgent"}),
    ],
)
def test_what_happens_to_a_ticket_is_told_alike_by_both(
    kind: str, name: str, event_name: str, told: dict[str, object]
) -> None:
    (event,) = read(kind, recorded(kind, name))
    assert event.name == event_name
    assert props(event)["ticket"]
    assert {key: props(event)[key] for key in told} == told


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("zendesk", "comment_by_staff", "event.comment.is_public", True),
        ("zendesk", "comment_added", "event.comment.is_public", False),
        ("zendesk", "priority_changed", "event.current", "LOW"),
        ("zendesk", "status_solved", "event.current", "PENDING"),
        ("zendesk", "status_solved", "event.previous", "CLOSED"),
        ("zendesk", "ticket_created", "type", "zen:event-type:ticket.tags_changed"),
        ("zendesk", "trigger_rated", "rating", "Offered"),
        ("zendesk", "trigger_rated", "what", "tagged"),
        ("intercom", "ping", "topic", "ping"),
        ("intercom", "conversation_priority_updated", "data.item.priority", "not_priority"),
        ("intercom", "conversation_rating_added", "data.item.conversation_rating", None),
        ("intercom", "ticket_resolved", "data.item.ticket_state.category", "in_progress"),
        ("intercom", "ticket_created", "topic", "ticket.note.created"),
    ],
)
def test_what_we_do_not_use_gives_nothing(kind: str, name: str, path: str, value: object) -> None:
    assert read(kind, changed(recorded(kind, name), path, value)) == []


def test_a_trigger_of_zendesk_counts_once_for_a_ticket_and_a_moment() -> None:
    (event,) = read("zendesk", recorded("zendesk", "trigger_rated"))
    assert event.message_id == "rated/35436/2026-09-21T14:13:20Z"
    assert (event.account, event.contact) == ("harbour-lights", "ann@harbour-lights.example")


@pytest.mark.parametrize(("word", "stars"), [("Good", 5), ("good with comment", 5), ("bad", 1), ("4", 4), (3, 3)])
def test_a_rating_is_told_in_stars(word: object, stars: int) -> None:
    (event,) = read("zendesk", changed(recorded("zendesk", "trigger_rated"), "rating", word))
    assert props(event)["rating"] == stars


def test_the_account_of_zendesk_is_where_the_source_says() -> None:
    body = changed(recorded("zendesk", "ticket_created"), "detail.external_id", "harbour-lights")
    assert read("zendesk", body, {"account": "detail.external_id"})[0].account == "harbour-lights"


def test_without_an_organisation_the_requester_decides_and_without_both_it_is_refused() -> None:
    body = changed(recorded("zendesk", "ticket_created"), "detail.organization_id", "0")
    (event,) = read("zendesk", body)
    assert (event.account, event.contact) == (None, "8447388090496")
    assert refused("zendesk", changed(body, "detail.requester_id", None)) == "no_subject"


def test_intercom_knows_the_account_of_some_and_the_contact_of_most() -> None:
    (event,) = read("intercom", recorded("intercom", "ticket_created"))
    assert (event.account, event.contact) == ("harbour-lights", "u-17")
    (event,) = read("intercom", recorded("intercom", "ticket_resolved"))
    assert (event.account, event.contact) == (None, "u-17")
    nobody = changed(recorded("intercom", "ticket_resolved"), "data.item.contacts", {})
    assert refused("intercom", nobody) == "no_subject"


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("zendesk", "ticket_created", "id"),
        ("zendesk", "comment_added", "id"),
        ("zendesk", "trigger_rated", "at"),
        ("intercom", "conversation_user_created", "id"),
        ("intercom", "conversation_user_replied", "id"),
        ("intercom", "ticket_created", "id"),
        ("intercom", "ticket_contact_replied", "id"),
        ("intercom", "conversation_rating_added", "id"),
    ],
)
def test_of_a_refused_event_the_tone_is_kept_and_the_words_only_by_choice(kind: str, name: str, path: str) -> None:
    body = recorded(kind, name)
    (event,) = read(kind, body)
    (refusal,) = connector(kind).read(delivery(changed(body, path, None)), {}).refusals
    (chosen,) = connector(kind).read(delivery(changed(body, path, None)), {"keep_text": True}).refusals
    assert chosen.body == changed(body, path, None)
    assert len(refusal.body) < len(chosen.body) + 400
    words = ("terrible", "solved it", "rude", "awful", "works now", "invoices of", "angry", "Friendly")
    assert any(word.encode() in chosen.body for word in words)
    assert not any(word.encode() in refusal.body for word in words)
    mended = changed(refusal.body, path, json.loads(body)[path])
    assert read(kind, mended) == [event]


def test_a_company_of_intercom_updates_the_account() -> None:
    (event,) = read("intercom", recorded("intercom", "company_updated"))
    assert (event.name, event.account, event.contact) == ("account_updated", "harbour-lights", None)
    assert props(event) == {"name": "Harbour Lights", "industry": "Shipping", "employees": 140}


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "code"),
    [
        ("zendesk", "trigger_rated", "rating", "17", "score_out_of_range"),
        ("zendesk", "trigger_rated", "at", "yesterday", "time_missing"),
        ("zendesk", "trigger_rated", "ticket", "", "message_id_missing"),
        ("zendesk", "ticket_created", "time", "2027-01-01T00:00:00Z", "too_far_ahead"),
        ("zendesk", "ticket_created", "detail.organization_id", "x" * 600, "id_too_long"),
        ("intercom", "conversation_rating_added", "data.item.conversation_rating.rating", -4, "score_out_of_range"),
        ("intercom", "ticket_created", "id", None, "message_id_missing"),
        ("intercom", "ticket_created", "created_at", -5, "time_out_of_range"),
    ],
)
def test_absurd_data_is_refused_with_a_reason(kind: str, name: str, path: str, value: object, code: str) -> None:
    assert refused(kind, changed(recorded(kind, name), path, value)) == code
