"""The middle of similar accounts: the median of a `metric`, or of a `field` of `usage` that rests on counts alone.

`plan: above` compares with accounts on the plan above. Missing below `at_least` of them with a value.
"""

from collections.abc import Sequence
from statistics import median
from typing import ClassVar, Literal

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.peer_source import PeerSource
from keepwell.playbooks.template_field import FieldType, Value


class PeerMedian(PeerSource):
    kind: Literal["peer_median"] = "peer_median"

    gives: ClassVar[Sequence[FieldType]] = ("number", "share")

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        group = self.group(facts, package)
        if group is None:
            return None
        found = float(median(group.values))
        return int(found) if found.is_integer() else found

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return f"the median of {super().basis(facts, package)}"
