"""What is told of a text, so that the text itself need not be kept: its tone as a number, and who is named in it.

The number comes from VADER, a list of English words with a tone each: good at a blunt complaint, blind to irony, to
other languages and to what is normal for one company. It is therefore told with `sentiment_confidence: low`.
"""

import html
import re
from collections.abc import Container, Mapping
from functools import cache
from typing import Final

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from keepwell.connectors.payload import Part
from keepwell.facts.inbound import TEXT_BYTES

LONGEST_JUDGED: Final = 4_000
"""How many characters of a text are judged; a pasted log behind them has no tone."""
LONGEST_NAME: Final = 200
COMPETITORS: Final = "Names of other products, with commas between them; what contacts write is searched for them."
"""What the setting `competitors` means, for every way in that reads words of people."""
_TAG: Final = re.compile(r"<[^<>]*>")


def sentiment(text: str) -> float:
    """From -1 (angry) to 1 (delighted), 0 for neither; deterministic. The source is `compound` of VADER."""
    found: float = _analyser().polarity_scores(text[:LONGEST_JUDGED])["compound"]
    return found


def told_of_text(text: str, settings: Mapping[str, object]) -> dict[str, str | float | int]:
    """The properties that an event tells of a text: its tone and length, and itself only if the owner chose to keep it.

    `settings["keep_text"]` must be true for that; what is kept ends after 8 KB. Without any text there are none. Where
    the text names one of `settings["competitors"]`, names with commas between them, `competitor` says which.
    """
    plain = plain_text(text)
    if not plain:
        return {}
    told: dict[str, str | float | int] = {
        "sentiment": sentiment(plain),
        "sentiment_confidence": "low",
        "text_length": len(plain),
        **_naming(plain, settings),
    }
    if settings.get("keep_text") is True:
        told["text"] = plain.encode()[:TEXT_BYTES].decode(errors="ignore")
    return told


def told_at(item: Part, path: str, settings: Mapping[str, object]) -> dict[str, str | float | int]:
    """The same of the text at a path, which of a refused event may be kept as its tone only."""
    kept = item.part(path)
    tone, length = kept.number("sentiment"), kept.number("text_length")
    if tone is None or length is None:
        return told_of_text(item.words(path), settings)
    told: dict[str, str | float | int] = {
        "sentiment": max(-1, min(1, tone)),
        "sentiment_confidence": "low",
        "text_length": length,
    }
    named = kept.words("competitor")
    return {**told, "names_competitor": True, "competitor": named} if named else told


def without_words(value: object, names: Container[str], settings: Mapping[str, object]) -> object:
    """A JSON value in which each text below one of these names is replaced by what is told of it."""
    if isinstance(value, list):
        return [without_words(inner, names, settings) for inner in value]
    if not isinstance(value, dict):
        return value
    told = {**settings, "keep_text": False}
    return {
        name: told_of_text(inner, told)
        if isinstance(inner, str) and name in names
        else without_words(inner, names, settings)
        for name, inner in value.items()
    }


def _naming(plain: str, settings: Mapping[str, object]) -> dict[str, str | float | int]:
    """The first of the owner's competitors that the text names as a whole word, whatever its capitals."""
    listed = str(settings.get("competitors") or "")
    for name in (one.strip() for one in listed.split(",")):
        if name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", plain[:LONGEST_JUDGED], re.IGNORECASE):
            return {"names_competitor": True, "competitor": name[:LONGEST_NAME]}
    return {}


def plain_text(text: str) -> str:
    """Text without the mark-up of HTML and without NUL characters."""
    stripped = html.unescape(_TAG.sub(" ", text)) if "<" in text and ">" in text else text
    return stripped.replace("\0", "").strip()


@cache
def _analyser() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
