"""Which accounts a comparison rests on, in words: `on the Team plan in logistics`. Missing below `at_least` of them.

The industry is named only where all of them are of it.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.peer_source import PeerSource
from keepwell.playbooks.template_field import FieldType, Value


class PeerGroup(PeerSource):
    kind: Literal["peer_group"] = "peer_group"

    gives: ClassVar[Sequence[FieldType]] = ("text",)
    is_basis: ClassVar[bool] = True

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        group = self.group(facts, package)
        return self.group_words(facts, group) if group is not None else None
