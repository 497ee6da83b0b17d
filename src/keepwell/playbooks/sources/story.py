"""A published success story of the settings: the first that names the account's industry and fits its plan, else the
first that fits without naming one.

`tell` says what is told of it: its `title`, its `result`, or the `industry` where the story names the account's.
Missing where none fits.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.product_text import Story as StoryText
from keepwell.playbooks.template_field import FieldType, Value


class Story(FieldSource):
    kind: Literal["story"] = "story"
    tell: Literal["title", "result", "industry"]

    gives: ClassVar[Sequence[FieldType]] = ("text",)

    def problems(self, package: SourcePackage) -> Iterator[str]:
        if not package.texts.stories:
            yield "it needs 'stories', what accounts have published of their success."

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        found = self._chosen(facts, package)
        if found is None or self.tell == "industry":
            return facts.account.industry if found is not None and found.industries else None
        return found.title if self.tell == "title" else found.result

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return "a story that was published"

    def _chosen(self, facts: FieldFacts, package: SourcePackage) -> StoryText | None:
        fitting = [one for one in package.texts.stories if one.fits(facts.account.industry, facts.account.plan)]
        named = [one for one in fitting if one.industries]
        return next(iter([*named, *fitting]), None)
