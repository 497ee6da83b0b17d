"""The tone of a text as a number, so that the text itself need not be kept.

The number comes from VADER, a list of English words with a tone each: good at a blunt complaint, blind to irony, to
other languages and to what is normal for one company. It is therefore told with `sentiment_confidence: low`.
"""

import html
import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from keepwell.facts.inbound import TEXT_BYTES

LONGEST_JUDGED: Final = 4_000
"""How many characters of a text are judged; a pasted log behind them has no tone."""
_TAG: Final = re.compile(r"<[^<>]*>")


def sentiment(text: str) -> float:
    """From -1 (angry) to 1 (delighted), 0 for neither; deterministic. The source is `compound` of VADER."""
    found: float = _analyser().polarity_scores(text[:LONGEST_JUDGED])["compound"]
    return found


def told_of_text(text: str, settings: Mapping[str, object]) -> dict[str, str | float | int]:
    """The properties that an event tells of a text: its tone and length, and itself only if the owner chose to keep it.

    `settings["keep_text"]` must be true for that; what is kept ends after 8 KB. Without any text there are none.
    """
    plain = plain_text(text)
    if not plain:
        return {}
    told: dict[str, str | float | int] = {
        "sentiment": sentiment(plain),
        "sentiment_confidence": "low",
        "text_length": len(plain),
    }
    if settings.get("keep_text") is True:
        told["text"] = plain.encode()[:TEXT_BYTES].decode(errors="ignore")
    return told


def plain_text(text: str) -> str:
    """Text without the mark-up of HTML and without NUL characters."""
    stripped = html.unescape(_TAG.sub(" ", text)) if "<" in text and ">" in text else text
    return stripped.replace("\0", "").strip()


@cache
def _analyser() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
