"""The account came into one of these bands, and is still there: `{bands: critical, from: above}`.

`from: above` leaves out who rises into the band, `from: below` who falls into it. Where nobody knows which band was
left, as with an account's first score, a rule that asks for a direction neither holds nor fails to hold. While
hysteresis holds an account in a band that its score has left again for where it came from, the rule does not hold.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from keepwell.health.weight import NANO
from keepwell.signals.condition import Condition, Line
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, every, truth_of


class BandEntered(Condition, BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["band_entered"]] = "band_entered"
    bands: StrictStr | tuple[StrictStr, ...]
    came_from: Literal["above", "below", "anywhere"] = Field(default="anywhere", alias="from")

    def truth(self, panel: Panel) -> Truth:
        is_in = truth_of(np.isin(panel.band, panel.places(self.band_ids())), panel.band >= 0)
        if self.came_from == "anywhere":
            return is_in
        raw = panel.band if panel.raw_band is None else panel.raw_band
        if self.came_from == "above":
            moved, is_back = panel.band < panel.band_before, raw > panel.band
        else:
            moved, is_back = panel.band > panel.band_before, raw < panel.band
        return every([is_in, truth_of(moved, panel.band_before >= 0), truth_of(~is_back, panel.band >= 0)])

    def band_ids(self) -> Sequence[str]:
        return (self.bands,) if isinstance(self.bands, str) else self.bands

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        before = int(panel.band_before[row])
        came = f", came from {panel.bands[before]}" if before >= 0 else ""
        return [
            Line("Band", panel.bands[int(panel.band[row])], "", f"{' or '.join(self.band_ids())}{came}"),
            Line("Health score", int(panel.nano_points[row]) / NANO, "points", ""),
        ]
