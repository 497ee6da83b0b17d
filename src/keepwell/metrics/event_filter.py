"""Which events a metric reads: names and property conditions."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    StrictBool,
    StrictStr,
    Tag,
    model_validator,
)

PropertyType = Literal["number", "text"]
Sign = Literal[">=", ">", "<", "<="]


class Range(BaseModel):
    """Range of a number: `at_least` and `at_most` are included, `above` and `below` excluded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_least: FiniteFloat | None = None
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None
    at_most: FiniteFloat | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> "Range":
        if not self.ends():
            raise ValueError("a range needs one of 'at_least', 'above', 'below' and 'at_most', or one of each side")
        if len({sign[0] for sign, _ in self.ends()}) < len(self.ends()):
            raise ValueError("a range has one end a side: 'at_least' or 'above', and 'below' or 'at_most'")
        return self

    def ends(self) -> tuple[tuple[Sign, float], ...]:
        """What must be true of a number, each as a sign and a limit."""
        limits: tuple[tuple[Sign, float | None], ...] = (
            (">=", self.at_least),
            (">", self.above),
            ("<", self.below),
            ("<=", self.at_most),
        )
        return tuple((sign, limit) for sign, limit in limits if limit is not None)


class Mention(BaseModel):
    """A text holds one of these words or phrases, whole, in any case: `rival` is not found in `rivalry`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mentions: Annotated[tuple[StrictStr, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_words(self) -> "Mention":
        if not all(term.strip() for term in self.mentions):
            raise ValueError("a term of 'mentions' holds at least one letter or digit")
        return self

    def pattern(self) -> str:
        """A regular expression for a text in small letters, as the engines write it."""
        return rf"(^|[^\p{{L}}\p{{N}}])({self._terms()})($|[^\p{{L}}\p{{N}}])"

    def is_in(self, text: str) -> bool:
        return re.search(rf"(?<![^\W_])({self._terms()})(?![^\W_])", text.lower()) is not None

    def _terms(self) -> str:
        return "|".join(r"\s+".join(map(_literal, term.lower().split())) for term in self.mentions)


def _literal(word: str) -> str:
    """A word in which nothing has a meaning for a regular expression."""
    return "".join(letter if letter.isalnum() else f"\\{letter}" for letter in word)


def _form(value: object) -> str:
    is_mention = isinstance(value, Mention) or (isinstance(value, Mapping) and "mentions" in value)
    return "mention" if is_mention else "range"


# Chosen by its key, so that what is wrong in one form is not told of the other too.
Written = Annotated[Annotated[Range, Tag("range")] | Annotated[Mention, Tag("mention")], Discriminator(_form)]
Wanted = StrictBool | FiniteFloat | StrictStr


def _of_one_type(wanted: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    if len({isinstance(one, str) for one in wanted}) > 1:
        raise ValueError("a list of wanted values holds either texts or numbers, because a property has one type")
    return wanted


Choice = Annotated[tuple[Wanted, ...], Field(min_length=1), AfterValidator(_of_one_type)]
Condition = Written | Wanted | Choice


def wanted_type(condition: Condition) -> PropertyType:
    """The type a property must have for a condition to make sense."""
    if isinstance(condition, tuple):
        return wanted_type(condition[0])
    return "text" if isinstance(condition, str | Mention) else "number"


class EventFilter(BaseModel):
    """Events with one of `events` as their name whose properties meet every condition of `where`.

    A property an event does not carry never meets a condition.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    where: Mapping[str, Condition] = {}

    def properties(self) -> dict[str, PropertyType]:
        return {name: wanted_type(condition) for name, condition in self.where.items()}
