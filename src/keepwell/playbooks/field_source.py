"""Where the value of a field of `usage` comes from, where it is no metric: one kind is one class in one file of
`sources/`.

A source says what it asks of an account, and makes a value of the answers. What cannot be known is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from keepwell.base.errors import nearest
from keepwell.metrics.metric import Metric
from keepwell.playbooks.field_facts import Ask, FieldFacts
from keepwell.playbooks.product_text import ProductText
from keepwell.playbooks.template_field import FieldType, Value

FOLDER: Final = "keepwell.playbooks.sources"

M = TypeVar("M", bound=Metric)


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """What a source may know of its package; `sources` are those of all fields of `usage` that have one."""

    metrics: Mapping[str, Metric]
    texts: ProductText
    sources: Mapping[str, "FieldSource"]


class FieldSource(BaseModel):
    """`gives` are the types that its field may have. An assumption is what somebody has set and nobody has measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str

    gives: ClassVar[Sequence[FieldType]]
    is_assumption: ClassVar[bool] = False
    # What only says what another number rests on is not told of again below a document.
    is_basis: ClassVar[bool] = False

    def problems(self, package: SourcePackage) -> Iterator[str]:
        """Sentences about what it needs and the package does not have."""
        yield from ()

    def ask(self, package: SourcePackage) -> Ask:
        return Ask()

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        raise NotImplementedError

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        """What a value that is there rests on: sample, period, assumption. A sentence without its full stop."""
        raise NotImplementedError

    def number(self, values: Mapping[str, float], package: SourcePackage) -> float | None:
        """The value from the metrics alone, for sources that ask for nothing else; others cannot be compared."""
        return None


def metric_problem(package: SourcePackage, name: str, kind: type[Metric] = Metric, words: str = "") -> Iterator[str]:
    """What is wrong with a metric that a source names: it is not there, or not of the kind."""
    found = package.metrics.get(name)
    if found is None:
        yield f"unknown metric '{name}'.{nearest(name, tuple(package.metrics))}"
    elif not isinstance(found, kind):
        yield f"the metric '{name}' must be of kind {words}, not {found.kind}."


def metric_of(package: SourcePackage, name: str, kind: type[M]) -> M:
    """A metric that `metric_problem` has nothing against."""
    found = package.metrics[name]
    if not isinstance(found, kind):
        raise TypeError(f"The metric '{name}' is not of the kind that was checked.")
    return found
