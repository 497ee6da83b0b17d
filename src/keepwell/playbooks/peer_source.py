"""What sources about similar accounts have in common: whom an account is compared with.

Similar are accounts on the same plan that have not left; of the same industry where at least `at_least` of those have a
value, of any industry otherwise. The account itself is none of them. With fewer nothing is said: one of them could be
recognised. The same metric makes the same group, so that the number told is the number compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from keepwell.base.errors import nearest
from keepwell.base.shape import Name
from keepwell.metrics.metric import Metric
from keepwell.playbooks.field_facts import Ask, FieldFacts, PeerQuestion
from keepwell.playbooks.field_source import FieldSource, SourcePackage, metric_problem

VALUE: Final = "value"
# Below this one account could be told from the rest.
FEWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Compared:
    values: tuple[float, ...]
    is_same_industry: bool


class PeerSource(FieldSource):
    """A `metric` of the package or a `field` of `usage` is compared; `plan` says on which plan, `own` or `above`."""

    metric: Name | None = None
    field: Name | None = None
    plan: Literal["own", "above"] = "own"
    at_least: Annotated[int, Field(ge=FEWEST, strict=True)] = FEWEST

    @model_validator(mode="after")
    def _compares_one_thing(self) -> "PeerSource":
        if (self.metric is None) == (self.field is None):
            raise ValueError("it compares either a 'metric' of the package or a 'field' of 'usage'")
        return self

    def problems(self, package: SourcePackage) -> Iterator[str]:
        if self.metric is not None:
            yield from metric_problem(package, self.metric)
        elif self.field is not None:
            source = package.sources.get(self.field)
            if source is None:
                yield f"'{self.field}' has no source to compare.{nearest(self.field, tuple(package.sources))}"
            elif type(source).number is FieldSource.number:
                yield f"'{self.field}' cannot be compared: its source looks at more than metrics."

    def ask(self, package: SourcePackage) -> Ask:
        metrics: Mapping[str, Metric] = (
            {VALUE: package.metrics[self.metric]}
            if self.metric is not None
            else package.sources[self.field or ""].ask(package).metrics
        )
        return Ask(peers=PeerQuestion(metrics, self.plan == "above"))

    def group(self, facts: FieldFacts, package: SourcePackage) -> Compared | None:
        """The values of similar accounts, None where there are too few."""
        told = [(peer.is_same_industry, self._value(peer.values, package)) for peer in facts.peers]
        known = [(is_same, value) for is_same, value in told if value is not None]
        same = tuple(value for is_same, value in known if is_same)
        if len(same) >= self.at_least:
            return Compared(same, True)
        return Compared(tuple(value for _, value in known), False) if len(known) >= self.at_least else None

    def group_words(self, facts: FieldFacts, group: Compared) -> str:
        """Who they are: `on the Team plan in logistics`."""
        account = facts.account
        plan = account.plan_title if self.plan == "own" else account.plan_above_title
        return f"on the {plan} plan" + (f" in {account.industry}" if group.is_same_industry else "")

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        group = self.group(facts, package)
        return f"{len(group.values):,} other accounts {self.group_words(facts, group)}" if group else ""

    def _value(self, values: Mapping[str, float], package: SourcePackage) -> float | None:
        if self.metric is not None:
            return values.get(VALUE)
        return package.sources[self.field or ""].number(values, package)
