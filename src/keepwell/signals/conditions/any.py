"""At least one of these rules holds."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, RootModel

from keepwell.signals.condition import Condition, Line, When
from keepwell.signals.panel import Panel
from keepwell.signals.truth import YES, Truth, some


class AnyOf(Condition, RootModel[Annotated[tuple[When, ...], Field(min_length=1)]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["any"]] = "any"

    def truth(self, panel: Panel) -> Truth:
        return some(one.truth(panel) for one in self.root)

    def inner(self) -> Sequence[When]:
        return self.root

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        """Of the rules that hold."""
        held = [one for one in self.root if one.truth(panel)[row] == YES]
        return [line for one in held for line in one.lines(panel, row, titles)]
