"""Groups of the community that fit the account, by its industry and plan: `groups` of the settings, `most` of them in
their order."""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.template_field import MOST_ENTRIES, FieldType, Value


class Groups(FieldSource):
    kind: Literal["groups"] = "groups"
    most: Annotated[int, Field(ge=1, le=MOST_ENTRIES, strict=True)] = 3

    gives: ClassVar[Sequence[FieldType]] = ("texts",)

    def problems(self, package: SourcePackage) -> Iterator[str]:
        if not package.texts.groups:
            yield "it needs 'groups', those of your community."

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        fitting = [one for one in package.texts.groups if one.fits(facts.account.industry, facts.account.plan)]
        return [one.title for one in fitting[: self.most]] or None

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return "the account's industry and plan"
