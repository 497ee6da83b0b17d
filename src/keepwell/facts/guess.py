"""Which event of the catalogue a name that nobody mapped may mean: by its words and by what it carries."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from keepwell.facts.catalogue import Catalogue, EventShape

MOST: Final = 3
CLOSE: Final = 0.62
NAME_WEIGHT: Final = 0.7
# Beneath this a guess would be a guess at random.
LEAST: Final = 0.3
FILLERS: Final = frozenset(["id", "name", "title", "value"])
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")


@dataclass(frozen=True, slots=True)
class Guess:
    """An event, why it is meant perhaps, and for properties of it the one they seem to be sent as."""

    event: str
    title: str
    reasons: tuple[str, ...]
    properties: Mapping[str, str]


def guesses(sent: str, keys: AbstractSet[str], catalogue: Catalogue) -> list[Guess]:
    """At most `MOST`, the best first; `keys` are the properties that events of this name carry."""
    found: list[tuple[float, Guess]] = []
    said = spoken(sent)
    for name, event in catalogue.events.items():
        likeness = max(_likeness(said, spoken(spelt)) for spelt in (name, *event.aliases))
        renamed = renamings(keys, event)
        shared = len(keys & event.properties.keys()) + len(renamed)
        score = NAME_WEIGHT * likeness + (1 - NAME_WEIGHT) * (shared / len(keys) if keys else 0.0)
        reasons = ["the name is close"] if likeness >= CLOSE else []
        if shared:
            reasons.append(f"shares {shared} of {len(keys)} {'property' if len(keys) == 1 else 'properties'}")
        if reasons and score >= LEAST:
            found.append((score, Guess(name, event.title, tuple(reasons), renamed)))
    found.sort(key=lambda one: (-one[0], one[1].event))
    return [guess for _, guess in found[:MOST]]


def renamings(keys: AbstractSet[str], event: EventShape) -> dict[str, str]:
    """Properties of an event that are not sent, each with the one that is sent and sounds the same."""
    free = {_subject(key): key for key in sorted(keys - event.properties.keys())}
    return {name: free[_subject(name)] for name in event.properties if name not in keys and _subject(name) in free}


def _subject(name: str) -> str:
    """What a property is about: featureName and feature_id are about the feature."""
    words = spoken(name).split()
    return " ".join([word for word in words if word not in FILLERS] or words)


def spoken(name: str) -> str:
    """The words of a name in small letters, whatever it is written in: reportName is report_name."""
    return " ".join(word.lower() for word in _WORDS.findall(name))


def _likeness(one: str, other: str) -> float:
    """From 0 to 1: the share of words in common, or of letters in the same order, whichever is more."""
    if not one or not other:
        return 0.0
    words, others = set(one.split()), set(other.split())
    in_common = len(words & others) / len(words | others)
    return max(in_common, SequenceMatcher(None, one, other).ratio() if in_common < 1 else 1.0)


def keys_of(examples: Sequence[Mapping[str, object]]) -> set[str]:
    return {key for example in examples for key in example}
