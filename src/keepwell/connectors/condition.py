"""The rule language of an import map: small tests of one row, and nothing that runs code."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from keepwell.connectors.sql_text import all_of, any_of, literal, literals

Word = Annotated[str, StringConstraints(strict=True)]
Place = tuple[str | int, ...]
ColumnName = Annotated[str, StringConstraints(strict=True, min_length=1)]


class Shape(BaseModel):
    """A part of an import map; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def as_list(value: object) -> object:
    """One entry stands for a list of one."""
    return value if isinstance(value, list) else [value]


class ListedIn(Shape):
    """The words of a column of another file beside the imported one, of all its rows or of those where `when` holds."""

    file: Word
    column: ColumnName
    when: Annotated[list["Condition"], BeforeValidator(as_list)] = Field(default_factory=list)


class Condition(Shape):
    """One test of a row: a column and exactly one thing to hold of it, or `any` of several conditions.

    A test of an empty value is false, except `empty: true` and `not_in`. A test that cannot be made, such as `above: 3`
    of the text "many", rejects the row instead of deciding.
    """

    column: ColumnName | None = None
    equals: Word | None = None
    one_of: list[Word] | None = None
    not_in: list[Word] | None = None
    empty: bool | None = None
    not_empty: bool | None = None
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    before: date | None = None
    not_before: date | None = None
    before_column: ColumnName | None = None
    after_column: ColumnName | None = None
    same_as_column: ColumnName | None = None
    listed_in: ListedIn | None = None
    any: list["Condition"] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Condition":
        given = sorted(self.model_fields_set - {"column"})
        if len(given) != 1 or ("any" in given) == (self.column is not None):
            raise PydanticCustomError(
                "condition",
                "a condition is a column and exactly one test of it ({tests}), or `any` with a list of conditions.",
                {"tests": ", ".join(name for name in type(self).model_fields if name not in ("column", "any"))},
            )
        return self

    def columns(self) -> Iterator[tuple[Place, str]]:
        """Every column the condition names, with its place inside the condition."""
        for field in ("column", "before_column", "after_column", "same_as_column"):
            column = getattr(self, field)
            if column is not None:
                yield (field,), column
        for index, part in enumerate(self.any or ()):
            for place, column in part.columns():
                yield ("any", index, *place), column

    def lists(self) -> Iterator[ListedIn]:
        """The other files the condition looks into."""
        if self.listed_in is not None:
            yield self.listed_in
        for part in self.any or ():
            yield from part.lists()

    def time_columns(self) -> Iterator[str]:
        """The columns that are read as times."""
        compared = (self.before_column, self.after_column)
        if self.column and (any(compared) or self.before or self.not_before):
            yield self.column
        yield from (column for column in compared if column)
        for part in self.any or ():
            yield from part.time_columns()


Conditions = Annotated[list[Condition], BeforeValidator(as_list)]


class Terms:
    """How the columns of a file are spelt in SQL: as text, as a number, as an instant in microseconds."""

    def __init__(
        self,
        text: Callable[[str], str],
        number: Callable[[str], str],
        instant: Callable[[str], str],
        listed: Callable[[ListedIn], str],
    ) -> None:
        """`listed` names the table, with the column `word`, that holds the words of another file."""
        self.text, self.number, self.instant, self.listed = text, number, instant, listed


def condition_sql(condition: Condition, terms: Terms) -> str:
    """TRUE, FALSE, or NULL when a value that is there cannot be read as what the test needs."""
    if condition.any is not None:
        return any_of(condition_sql(part, terms) for part in condition.any)
    column = condition.column or ""
    text = terms.text(column)
    if condition.empty is not None or condition.not_empty is not None:
        wants_empty = condition.empty if condition.empty is not None else not condition.not_empty
        return f"({text} IS {'' if wants_empty else 'NOT '}NULL)"
    if condition.not_in is not None:
        return f"coalesce({text} NOT IN ({literals(condition.not_in)}), TRUE)"
    tests = [*_text_tests(condition, text, terms), *_number_tests(condition, column, terms)]
    (test,) = tests or _time_tests(condition, column, terms)
    return f"(CASE WHEN {test.needed} THEN {test.holds} ELSE FALSE END)"


class _Test:
    """A test, and the values that must be there for it to be made."""

    def __init__(self, holds: str, *texts: str) -> None:
        self.holds = holds
        self.needed = all_of(f"{text} IS NOT NULL" for text in texts)


def _text_tests(condition: Condition, text: str, terms: Terms) -> Iterator[_Test]:
    if condition.equals is not None:
        yield _Test(f"{text} = {literal(condition.equals)}", text)
    if condition.one_of is not None:
        yield _Test(f"{text} IN ({literals(condition.one_of)})", text)
    if condition.listed_in is not None:
        yield _Test(f"{text} IN (FROM {terms.listed(condition.listed_in)})", text)
    if condition.same_as_column is not None:
        other = terms.text(condition.same_as_column)
        yield _Test(f"{text} = {other}", text, other)


def _number_tests(condition: Condition, column: str, terms: Terms) -> Iterator[_Test]:
    limits = {">": condition.above, ">=": condition.at_least, "<": condition.below, "<=": condition.at_most}
    for sign, limit in limits.items():
        if limit is not None:
            yield _Test(f"{terms.number(column)} {sign} {literal(limit)}", terms.text(column))


def _time_tests(condition: Condition, column: str, terms: Terms) -> list[_Test]:
    at, text = terms.instant(column), terms.text(column)
    for sign, day in (("<", condition.before), (">=", condition.not_before)):
        if day is not None:
            return [_Test(f"{at} {sign} epoch_us({literal(day.isoformat())}::TIMESTAMP)", text)]
    for sign, other in (("<", condition.before_column), (">", condition.after_column)):
        if other is not None:
            return [_Test(f"{at} {sign} {terms.instant(other)}", text, terms.text(other))]
    return []
