"""How many similar accounts a comparison rests on, the account itself left out; missing below `at_least`.

Similar are those on the same plan, of the same industry where enough have a value of the `metric` (or of the `field`).
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.peer_source import PeerSource
from keepwell.playbooks.template_field import FieldType, Value


class Peers(PeerSource):
    kind: Literal["peers"] = "peers"

    gives: ClassVar[Sequence[FieldType]] = ("number",)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        group = self.group(facts, package)
        return len(group.values) if group is not None else None
