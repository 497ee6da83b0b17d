"""The enrolment takes the first path of `ways` whose `only_if` holds, or `otherwise`; it takes it once and for good.

Later steps with `path: …` are done only on that path. Without `otherwise` none may be taken.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keepwell.base.shape import Name
from keepwell.playbooks.only import Only
from keepwell.playbooks.step import Clock, Due, Outcome, Step
from keepwell.signals.rule import Shape


class Way(Shape):
    path: Name
    only_if: Only


class Branch(Step):
    kind: Literal["branch"] = "branch"
    ways: Annotated[tuple[Way, ...], Field(min_length=1)]
    otherwise: Name | None = None

    # Messages on its paths run on the contact's clock and must not come before it.
    usual_clock: ClassVar[Clock] = "contact"

    def paths(self) -> Sequence[str]:
        return tuple(dict.fromkeys((*(way.path for way in self.ways), *((self.otherwise,) if self.otherwise else ()))))

    def conditions(self) -> Sequence[tuple[tuple[str | int, ...], Only]]:
        own = [(("ways", number, "only_if"), way.only_if) for number, way in enumerate(self.ways)]
        return [*super().conditions(), *own]

    def outcome(self, due: Due) -> Outcome:
        for way in self.ways:
            if not way.only_if.refusal(due.enrolment, due.facts):
                return Outcome(path=way.path)
        return Outcome(path=self.otherwise) if self.otherwise else Outcome(skipped="no_path")
