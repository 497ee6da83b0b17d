"""The account is in one of these segments of the package: `ready_to_expand`, or a list of them."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, RootModel, StrictStr

from keepwell.signals.condition import Condition, Line
from keepwell.signals.panel import Panel
from keepwell.signals.truth import UNKNOWN, YES, Truth, some


class InSegment(Condition, RootModel[StrictStr | tuple[StrictStr, ...]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["segment"]] = "segment"

    def truth(self, panel: Panel) -> Truth:
        nobody = np.full(len(panel), UNKNOWN, dtype=np.int8)
        return some(panel.segments.get(name, nobody) for name in self.segment_ids())

    def segment_ids(self) -> Sequence[str]:
        return (self.root,) if isinstance(self.root, str) else self.root

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        held = [name for name in self.segment_ids() if name in panel.segments and panel.segments[name][row] == YES]
        return [Line("Segment", " and ".join(held), "", " or ".join(self.segment_ids()))]
