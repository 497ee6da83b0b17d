"""A text becomes a number, and is kept only by choice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.connectors.sentiment import plain_text, sentiment, told_of_text


def test_the_tone_of_plain_words_is_on_the_right_side() -> None:
    assert sentiment("This is terrible, I hate it.") < -0.5
    assert sentiment("Wonderful, thank you so much!") > 0.5
    assert sentiment("Where is the invoice?") == 0


@given(st.text(max_size=400))
def test_any_text_has_a_tone_between_the_two_ends_and_always_the_same(text: str) -> None:
    assert -1 <= sentiment(text) <= 1
    assert sentiment(text) == sentiment(text)


@pytest.mark.parametrize("settings", [{}, {"keep_text": False}, {"keep_text": "yes"}, {"keep_text": 1}])
def test_words_are_not_kept_unless_that_was_chosen(settings: dict[str, object]) -> None:
    assert told_of_text(" Fine ", settings) == {
        "sentiment": sentiment("Fine"),
        "sentiment_confidence": "low",
        "text_length": 4,
    }


def test_what_is_kept_ends_after_8_kilobytes_between_two_characters() -> None:
    told = told_of_text("é" * 5000, {"keep_text": True})
    assert (told["text"], told["text_length"]) == ("é" * 4096, 5000)


@pytest.mark.requirement("B107")
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("We are looking at AcmeCRM next quarter.", "AcmeCRM"),
        ("acmecrm?", "AcmeCRM"),
        ("Can we export to Big Board?", "Big Board"),
        ("We like AcmeCRMs better", None),
        ("nothing of the kind", None),
    ],
)
def test_a_competitor_of_the_owners_list_is_told_without_the_words(text: str, named: str | None) -> None:
    told = told_of_text(text, {"competitors": " AcmeCRM, Big Board,,"})
    assert told.get("competitor") == named
    assert told.get("names_competitor", False) is (named is not None)
    assert "text" not in told


def test_no_text_has_no_tone() -> None:
    assert told_of_text(" <p> </p>", {"keep_text": True}) == {}


def test_mark_up_is_no_part_of_the_words() -> None:
    assert plain_text("<p>Not&nbsp;<b>bad</b></p>").split() == ["Not", "bad"]
    assert plain_text("1 < 2 and\0 so on") == "1 < 2 and so on"
