"""Answers to surveys have one shape, whatever the tool and the scale."""

import pytest

from tests.connectors.hook import changed, props, read, recorded, refused


@pytest.mark.requirement("B095")
def test_an_answer_tells_score_scale_share_and_tone() -> None:
    (event,) = read("survey", recorded("survey", "answered"))
    assert (event.name, event.message_id, event.at) == ("survey_answered", "r-17", 1_790_000_000_000_000)
    assert (event.account, event.contact) == ("harbour-lights", "ann@harbour-lights.example")
    assert props(event) == {
        "survey": "csat",
        "score": 4,
        "scale": 5,
        "score_share": 0.75,
        "sentiment": 0.6808,
        "sentiment_confidence": "low",
        "text_length": 23,
    }


def test_the_envelope_of_the_convention_is_understood() -> None:
    (event,) = read("survey", recorded("survey", "answered_in_envelope"))
    assert (event.message_id, event.at) == ("r-18", 1_790_000_000_000_000)
    assert props(event) == {"survey": "ces", "score": 7, "scale": 7, "score_share": 1}


def test_the_envelope_of_delighted_is_understood() -> None:
    (event,) = read("survey", recorded("survey", "delighted"))
    assert (event.account, event.contact) == ("harbour-lights", "ann@harbour-lights.example")
    told = props(event)
    assert (told["survey"], told["score"], told["scale"], told["score_share"]) == ("nps", 3, 10, 0.3)
    assert "text" not in told


def test_a_survey_that_was_sent_is_told_too() -> None:
    (event,) = read("survey", recorded("survey", "sent"))
    assert (event.name, event.contact, props(event)) == ("survey_sent", "ann@harbour-lights.example", {"survey": "nps"})


@pytest.mark.parametrize(
    ("survey", "scale", "score", "share"),
    [("nps", None, 0, 0), ("nps", None, 10, 1), ("csat", None, 1, 0), ("ces", None, 4, 0.5), ("stars", 3, 2, 0.5)],
)
def test_every_scale_runs_from_0_to_1(survey: str, scale: int | None, score: int, share: float) -> None:
    body = recorded("survey", "answered")
    for name, value in (("survey", survey), ("scale", scale), ("score", score)):
        body = changed(body, name, value)
    (event,) = read("survey", body)
    assert props(event)["score_share"] == share


def test_the_source_says_which_survey_a_silent_tool_makes() -> None:
    body = changed(recorded("survey", "delighted"), "event_data.survey_type", None)
    (event,) = read("survey", body, {"survey": "csat"})
    assert (props(event)["survey"], props(event)["score_share"]) == ("csat", 0.5)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("score", -1, "score_out_of_range"),
        ("score", 6, "score_out_of_range"),
        ("score", None, "score_missing"),
        ("score", "9" * 90, "number_out_of_range"),
        ("survey", "mood", "score_out_of_range"),
        ("scale", -5, "scale_missing"),
        ("at", "soon", "time_missing"),
        ("id", "", "message_id_missing"),
    ],
)
def test_absurd_answers_are_refused_with_a_reason(path: str, value: object, code: str) -> None:
    body = changed(recorded("survey", "answered"), path, value)
    if path == "survey":
        body = changed(body, "scale", 3)
    assert refused("survey", body) == code


def test_other_news_of_a_tool_gives_nothing() -> None:
    assert read("survey", changed(recorded("survey", "delighted"), "event_type", "unsubscribe.created")) == []
    assert read("survey", changed(recorded("survey", "answered"), "type", "survey.opened")) == []
