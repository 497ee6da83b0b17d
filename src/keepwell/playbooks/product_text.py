"""What the settings of templates say of the product, so that values of fields can be told in words: its features,
what their use saves, and what others have reached with it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from keepwell.base.shape import Exact
from keepwell.metrics.event_filter import EventFilter

Line = Annotated[str, Field(strict=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]
Currency = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$")]
Positive = Annotated[Exact, Field(gt=0, allow_inf_nan=False, max_digits=12)]
MINUTES_AN_HOUR: Final = 60


class TextShape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureText(TextShape):
    """A feature under the name that events tell. `plans` are the ids of the plans that have it, all without it.

    `tip` is what somebody who does not use it could do with it.
    """

    title: Line
    tip: Line | None = None
    plans: Sequence[StrictStr] = ()

    def is_in(self, plan: str) -> bool:
        return not self.plans or plan in self.plans


class SavedTime(EventFilter):
    """How many minutes one such event saves: an assumption of whoever writes it. `title` names one of them."""

    title: Line
    minutes: Positive


class FittingText(TextShape):
    """Something to name to accounts of certain industries and plans; to all where none are named."""

    title: Line
    industries: Sequence[StrictStr] = ()
    plans: Sequence[StrictStr] = ()

    def fits(self, industry: str, plan: str) -> bool:
        return (not self.industries or industry in self.industries) and (not self.plans or plan in self.plans)


class Story(FittingText):
    """A published success story. `result` is what that account reached, as it said so."""

    result: Line


class ProductText(TextShape):
    """`hourly_rate` is what an hour of an account's people is worth, by currency; nothing is ever converted."""

    features: Mapping[StrictStr, FeatureText] = Field(default_factory=dict)
    # As many as a text of what they come to can hold.
    saved_time: Annotated[tuple[SavedTime, ...], Field(max_length=6)] = ()
    hourly_rate: Mapping[Currency, Positive] = Field(default_factory=dict)
    stories: Sequence[Story] = ()
    groups: Sequence[FittingText] = ()

    def plan_ids(self) -> Mapping[str, str]:
        """Every plan that is named, with the place that names it, as people read it."""
        found: dict[str, str] = {}
        for name, one in self.features.items():
            found |= dict.fromkeys(one.plans, f"feature '{name}'")
        for told, ones in (("story", self.stories), ("group", self.groups)):
            for fitting in ones:
                found |= dict.fromkeys(fitting.plans, f"{told} '{fitting.title}'")
        return found
