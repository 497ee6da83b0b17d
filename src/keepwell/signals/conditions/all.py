"""Every one of these rules holds."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, RootModel

from keepwell.signals.condition import Condition, Line, When
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, every


class All(Condition, RootModel[Annotated[tuple[When, ...], Field(min_length=1)]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["all"]] = "all"

    def truth(self, panel: Panel) -> Truth:
        return every(one.truth(panel) for one in self.root)

    def inner(self) -> Sequence[When]:
        return self.root

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        return [line for one in self.root for line in one.lines(panel, row, titles)]
