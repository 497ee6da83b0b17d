"""Named ranges of the score, and how an account leaves one for another."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from keepwell.base.periods import Period
from keepwell.base.shape import Exact, Name

Edges = Literal["lower_inclusive", "upper_inclusive"]
Tier = Literal["emergency", "act", "watch", "stable", "grow"]
Colour = Literal["red", "orange", "yellow", "green", "blue", "grey"]
Icon = Literal["stop", "down", "diamond", "disc", "double_up"]
Score = Annotated[Exact, Field(allow_inf_nan=False, max_digits=12, decimal_places=9)]
UNKNOWN = "unknown"


class Band(BaseModel):
    """A range of the score from `lo` up to the next band's `lo`; the highest one includes 100.

    `hi` may be written for readers and must then equal the next `lo` (100 for the highest band). `tier` is the
    meaning that reports compare across health models.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    lo: Score
    hi: Score | None = None
    label: StrictStr
    colour: Colour
    icon: Icon
    tier: Tier
    review: StrictStr = ""
    level: StrictStr = ""
    characteristics: tuple[StrictStr, ...] = ()
    actions: tuple[StrictStr, ...] = ()


class Hysteresis(BaseModel):
    """When an account leaves its band: `leave_margin` points past the edge, or past the edge for as long as `hold`.

    A fall into a band of `except`, or past a whole band, counts at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    leave_margin: Annotated[Score, Field(ge=0, le=100)] = Decimal(0)
    hold: Period = timedelta(0)
    at_once: tuple[StrictStr, ...] = Field(default=(), alias="except")
