"""The account left one of these bands for the one it is in now: `{bands: critical, to: above}`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, StrictStr

from keepwell.health.weight import NANO
from keepwell.signals.condition import Condition, Line
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, truth_of


class BandLeft(Condition, BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["band_left"]] = "band_left"
    bands: StrictStr | tuple[StrictStr, ...]
    to: Literal["above", "below", "anywhere"] = "anywhere"

    def truth(self, panel: Panel) -> Truth:
        left = np.isin(panel.band_before, panel.places(self.band_ids()))
        if self.to != "anywhere":
            left &= panel.band > panel.band_before if self.to == "above" else panel.band < panel.band_before
        return truth_of(left, (panel.band >= 0) & (panel.band_before >= 0))

    def band_ids(self) -> Sequence[str]:
        return (self.bands,) if isinstance(self.bands, str) else self.bands

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        return [
            Line("Band before", panel.bands[int(panel.band_before[row])], "", " or ".join(self.band_ids())),
            Line("Band", panel.bands[int(panel.band[row])], "", ""),
            Line("Health score", int(panel.nano_points[row]) / NANO, "points", ""),
        ]
