"""Cross-checks of an import: rows that contradict each other or another file are counted and shown, never hidden."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import StringConstraints

from keepwell.base.registry import OneOf
from keepwell.connectors.condition import Place, Shape, Terms


@dataclass(frozen=True, slots=True)
class Rows:
    """What a check reads: the rows of the file as `seen`, those of the other file, if it names one, as `other`."""

    own: Terms
    other: Terms


class Check(Shape):
    """One rule that rows should keep; what breaks it is a finding of the import."""

    id: Annotated[str, StringConstraints(strict=True, min_length=1)]
    title: str

    @abstractmethod
    def uses(self) -> Iterator[tuple[Place, str]]:
        """Columns of the imported file, with their place in the check."""

    def time_columns(self) -> Iterator[str]:
        """Columns of the imported file that are read as times."""
        yield from ()

    def other_file(self) -> str | None:
        """A file beside the imported one."""
        return None

    def other_columns(self) -> tuple[str, ...]:
        """Columns of the other file."""
        return ()

    def other_time_columns(self) -> tuple[str, ...]:
        """Columns of the other file that are read as times."""
        return ()

    @abstractmethod
    def judged(self, rows: Rows) -> str:
        """SQL condition over `seen`: the rows that the check can judge."""

    @abstractmethod
    def breaches(self, rows: Rows) -> str:
        """SQL that selects `line` and `words` of every row that breaks the rule, from `seen` and `other`."""


AnyCheck = Annotated[Check, OneOf("keepwell.connectors.checks.kinds", Check)]
