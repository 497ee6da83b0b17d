"""Which events a metric reads: names and property conditions."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictStr, model_validator

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


Wanted = StrictBool | FiniteFloat | StrictStr


def _of_one_type(wanted: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    if len({isinstance(one, str) for one in wanted}) > 1:
        raise ValueError("a list of wanted values holds either texts or numbers, because a property has one type")
    return wanted


Choice = Annotated[tuple[Wanted, ...], Field(min_length=1), AfterValidator(_of_one_type)]
Condition = Range | Wanted | Choice


def wanted_type(condition: Condition) -> PropertyType:
    """The type a property must have for a condition to make sense."""
    if isinstance(condition, tuple):
        return wanted_type(condition[0])
    return "text" if isinstance(condition, str) else "number"


class EventFilter(BaseModel):
    """Events with one of `events` as their name whose properties meet every condition of `where`.

    A property an event does not carry never meets a condition.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    where: Mapping[str, Condition] = {}

    def properties(self) -> dict[str, PropertyType]:
        return {name: wanted_type(condition) for name, condition in self.where.items()}
