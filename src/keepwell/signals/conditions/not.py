"""The rule does not hold. Where that cannot be said, this cannot be said either."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, RootModel

from keepwell.signals.condition import Condition, Line, When
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth


class Not(Condition, RootModel[When]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["not"]] = "not"

    def truth(self, panel: Panel) -> Truth:
        return np.negative(self.root.truth(panel))

    def inner(self) -> Sequence[When]:
        return (self.root,)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        """None: what does not hold is no reason that a reader could open."""
        return ()
