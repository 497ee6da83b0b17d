"""The account is held in one of these bands: `critical`, or `[at_risk, high_risk]`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, RootModel, StrictStr

from keepwell.health.weight import NANO
from keepwell.signals.condition import Condition, Line
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, truth_of


class InBand(Condition, RootModel[StrictStr | tuple[StrictStr, ...]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["band"]] = "band"

    def truth(self, panel: Panel) -> Truth:
        return truth_of(np.isin(panel.band, panel.places(self.band_ids())), panel.band >= 0)

    def band_ids(self) -> Sequence[str]:
        return (self.root,) if isinstance(self.root, str) else self.root

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        band = panel.bands[int(panel.band[row])]
        return [
            Line("Band", band, "", " or ".join(self.band_ids())),
            Line("Health score", int(panel.nano_points[row]) / NANO, "points", ""),
        ]
