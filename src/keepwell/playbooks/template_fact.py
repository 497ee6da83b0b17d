"""Facts come from fields: a number written into a text is refused, because nothing keeps it true.

Refused are all digits and signs that mean numbers, signs of currencies, per cent by sign and by word, and the words
for numbers from two on. Names that hold a digit are settings of the package (`terms`). How long a call takes, what a
discount is and when an offer ends are properties of the offer and shown by its fields.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_WORDS: Final = re.compile(
    r"\b(?:per\s?cent|percentage|twice|thrice|half|halved?|double[ds]?|tripled?|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundreds?|thousands?|millions?|dozens?)\b",
    re.IGNORECASE,
)
_SIGNS: Final = frozenset("%‰‱٪％")


def literal_fact(text: str, terms: Sequence[str]) -> str | None:
    """The first fact that is written out in a text, if there is one; terms of the package are none."""
    for term in sorted(terms, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(term)}(?!\w)", " ", text)
    word = _WORDS.search(text)
    signs = (at for at, letter in enumerate(text) if _is_number_sign(letter))
    sign = next(signs, None)
    if sign is not None and (word is None or sign < word.start()):
        start = sign
        while start > 0 and not text[start - 1].isspace():
            start -= 1
        return text[start:].split()[0][:40]
    return word.group() if word else None


def _is_number_sign(letter: str) -> bool:
    return letter.isnumeric() or letter in _SIGNS or unicodedata.category(letter) == "Sc"
