"""Traits of the account have given values, or numbers in ranges: `{country: [DE, AT], employees: {at_least: 50}}`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field, RootModel, StrictStr

from keepwell.metrics.event_filter import Condition as Wanted
from keepwell.signals.condition import Condition, Line
from keepwell.signals.limit import in_words, meets
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, every


class TraitIs(Condition, RootModel[Annotated[Mapping[StrictStr, Wanted], Field(min_length=1)]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["trait"]] = "trait"

    def truth(self, panel: Panel) -> Truth:
        return every(
            np.array([meets(wanted, known) for known in panel.trait(name)], dtype=np.int8)
            for name, wanted in self.root.items()
        )

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        return [
            Line(name.replace("_", " ").capitalize(), str(panel.trait(name)[row]), "", in_words(wanted))
            for name, wanted in self.root.items()
        ]
