"""Words in a text are found whole and in any case, by the engine as by ourselves."""

import duckdb
import pytest
from pydantic import ValidationError

from keepwell.metrics.event_filter import EventFilter, Mention

WANTED = Mention(mentions=("Rival", "switch to", "C++", "größer"))


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("We like RIVAL.", True),
        ("rival", True),
        ("the rivalry", False),
        ("arrival", False),
        ("we Switch\n  to it", True),
        ("we switch two", False),
        ("c++, of course", True),
        ("ccc", False),
        ("viel GRÖSSER, größer!", True),
        ("ungrößer", False),
        ("", False),
    ],
)
def test_a_word_is_found_whole(text: str, is_found: bool) -> None:
    assert WANTED.is_in(text) is is_found
    found = duckdb.execute("SELECT regexp_matches(lower(?), ?)", [text, WANTED.pattern()]).fetchone()
    assert found == (is_found,)


@pytest.mark.parametrize("written", [{"mentions": []}, {"mentions": [" "]}, {"mentions": ["a"], "below": 5}])
def test_words_that_find_nothing_are_refused(written: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EventFilter.model_validate({"events": ["said"], "where": {"text": written}})
