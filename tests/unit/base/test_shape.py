"""Pydantic's errors as sentences: with a line, in plain words, with the nearest known name."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, get_args

import pytest
from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, StrictStr, Tag
from pydantic_core.core_schema import ErrorType

from keepwell.base.shape import SENTENCES, Exact, Name, Number, read_shape
from keepwell.base.yaml_source import read_yaml

# Types that no shape read from YAML can give: they belong to Python values, to other text formats or to calls.
_WORDS = """
    no_such_attribute json_invalid json_type needs_python_object recursion_depth_exceeded frozen_field frozen_instance
    get_attribute_error dataclass_type dataclass_exact_type named_tuple_type default_factory_not_called
    ordered_dict_type counter_type deque_type iteration_error missing_sentinel_error ellipsis_error
    bytes_type bytes_too_short bytes_too_long bytes_invalid_encoding
    date_type date_parsing date_from_datetime_parsing date_from_datetime_inexact date_past date_future
    time_type time_parsing datetime_type datetime_parsing datetime_object_invalid datetime_from_date_parsing
    datetime_past datetime_future timezone_naive timezone_aware timezone_offset
    is_subclass_of callable_type arguments_type missing_argument unexpected_keyword_argument
    missing_keyword_only_argument unexpected_positional_argument missing_positional_only_argument
    multiple_argument_values url_type url_parsing url_syntax_violation url_too_long url_scheme
    uuid_type uuid_parsing uuid_version fraction_type fraction_parsing complex_type complex_str_parsing
"""
ELSEWHERE = frozenset(_WORDS.split())


class Range(BaseModel):
    model_config = ConfigDict(extra="forbid")
    at_least: Number | None = None
    below: Number | None = None


class Sheet(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Name
    colour: Literal["red", "green"] = "red"
    weight: Annotated[Exact, Field(ge=0, decimal_places=2)] = Decimal(0)
    days: Annotated[int, Field(gt=0, strict=True)] = 1
    open: StrictBool = False
    points: tuple[tuple[Number, Number], ...] = ()
    tags: Annotated[tuple[StrictStr, ...], Field(max_length=2)] = ()
    where: Mapping[StrictStr, Range | StrictBool | Number | StrictStr] = {}
    parts: tuple["Part", ...] = ()


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    metric: StrictStr
    cost: Number = 1.0


class Twig(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parts: Annotated[tuple["Part", ...], Field(min_length=1)]


def _tag(value: object) -> str:
    return "a twig" if isinstance(value, dict) and "parts" in value else "a leaf"


Part = Annotated[Annotated[Leaf, Tag("a leaf")] | Annotated[Twig, Tag("a twig")], Discriminator(_tag)]


def told(text: str) -> list[str]:
    found, problems, _ = read_shape(Sheet, read_yaml("sheet.yaml", text))
    assert (found is None) == bool(problems)
    return [f"{problem.line}: {problem.sentence}" for problem in sorted(problems)]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("nmae: x", "unknown key 'nmae'. Did you mean 'name'?"),
        ("zzz: x", "unknown key 'zzz'. Known keys: name, colour, weight, days, open, points, tags, where, parts."),
        ("colour: gren", "'colour' must be 'red' or 'green', not 'gren'. Did you mean 'green'?"),
        ("weight: heavy", "'weight' must be a number, not 'heavy'."),
        ("weight: '15'", "'weight' must be a number, not '15'."),
        ("weight: true", "'weight' must be a number, not true."),
        ("weight: -1", "'weight' must be at least 0, not -1."),
        ("weight: 1.234", "'weight' must have at most 2 decimals, not 1.234."),
        ("days: 30.0", "'days' must be a whole number, not 30.0."),
        ("days: '30'", "'days' must be a whole number, not '30'."),
        ("days: 0", "'days' must be above 0, not 0."),
        ("open: yes", "'open' must be true or false, not 'yes'."),
        ("points: [[0, 0], [1, x]]", "entry 2 of entry 2 of 'points' must be a number, not 'x'."),
        ("points: {a: 1}", "'points' must be a list, not a mapping."),
        ("tags: [a, 5]", "entry 2 of 'tags' must be text, not 5. Put it in quotes if text is meant."),
        ("tags: [a, b, c]", "'tags' must have at most 2 entries."),
        (
            "where: {age: [1]}",
            "'age' must be a mapping of keys and values, true or false, a number or text, not a list.",
        ),
        ("where: {age: {at_last: 3}}", "unknown key 'at_last'. Did you mean 'at_least'?"),
        ("where: {age: {at_least: x}}", "'at_least' must be a number, not 'x'."),
        ("parts: [{parts: [{metric: x, cots: 1}]}]", "unknown key 'cots'. Did you mean 'cost'?"),
        ("parts: [{parts: [{cost: 1}]}]", "'metric' is missing."),
        ("parts: [{parts: []}]", "'parts' must have at least 1 entries, not 0."),
    ],
)
def test_an_error_is_one_plain_sentence_at_its_line(line: str, sentence: str) -> None:
    assert told(f"name: sheet\n{line}\n") == [f"2: {sentence}"]


def test_a_missing_key_is_told_at_what_lacks_it() -> None:
    assert told("days: 1\n") == ["1: 'name' is missing."]


def test_an_id_is_told_what_it_is_made_of() -> None:
    expected = "1: 'name' must be small letters, digits and underscores, beginning with a letter, not 'My Sheet'."
    assert told("name: My Sheet\n") == [expected]


def test_all_errors_are_told_at_once() -> None:
    assert len(told("nmae: x\ndays: 0\nweight: x\nparts: [{metric: 1}, {parts: [{}]}]\n")) == 6


def test_every_error_type_of_pydantic_has_a_sentence_or_cannot_happen_here() -> None:
    assert set(get_args(ErrorType)) - set(SENTENCES) - ELSEWHERE == set()
    assert set(SENTENCES) & ELSEWHERE == set()


def test_decimals_are_kept_as_written() -> None:
    found, _, _ = read_shape(Sheet, read_yaml("sheet.yaml", "name: x\nweight: 0.10\n"))
    assert found is not None
    assert found.weight == Decimal("0.1")
