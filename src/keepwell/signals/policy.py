"""How steadily something must hold before anybody is told, and before it counts as over."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from keepwell.base.periods import Period
from keepwell.base.shape import Exact


class Fast(BaseModel):
    """A fall of `fall` points within `days` days needs to last `dwell` only, and breaks the cool-down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fall: Annotated[Exact, Field(gt=0, le=100, allow_inf_nan=False, max_digits=12, decimal_places=9)]
    days: Annotated[int, Field(ge=1, le=365, strict=True)] = 7
    dwell: Period = timedelta(0)


class Policy(BaseModel):
    """`dwell`: how long it must hold before it opens. `clear`: how long it must be over before it closes.

    `cool_down`: for how long after closing it does not open again; what still holds then opens. Nothing is lost by it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dwell: Period = timedelta(0)
    clear: Period = timedelta(0)
    cool_down: Period = timedelta(0)
    fast: Fast | None = None
