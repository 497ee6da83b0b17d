"""In words, what the value of another field rests on: its sample, its period, and what somebody assumed. Missing where
that is.

`of` names a field of `usage` that has a source.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from keepwell.base.errors import nearest
from keepwell.base.shape import Name
from keepwell.playbooks.field_facts import Ask, FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.template_field import FieldType, Value


class Basis(FieldSource):
    kind: Literal["basis"] = "basis"
    of: Name

    gives: ClassVar[Sequence[FieldType]] = ("text",)
    is_basis: ClassVar[bool] = True

    def problems(self, package: SourcePackage) -> Iterator[str]:
        source = package.sources.get(self.of)
        if source is None:
            yield f"'{self.of}' has no source to tell of.{nearest(self.of, tuple(package.sources))}"
        elif isinstance(source, Basis):
            yield f"'{self.of}' tells of a basis itself."

    def ask(self, package: SourcePackage) -> Ask:
        return package.sources[self.of].ask(package)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        source = package.sources[self.of]
        return source.basis(facts, package) if source.value(facts, package) is not None else None

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return package.sources[self.of].basis(facts, package)
