"""From data to Pydantic shapes, and from Pydantic's errors to sentences with a line."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from keepwell.base.errors import Problem, nearest
from keepwell.base.shape_keys import known_keys
from keepwell.base.yaml_source import Path, Yaml, YamlSource

S = TypeVar("S", bound=BaseModel)

# What each error of Pydantic says here; {name} is the key, {value} what was written, the rest is Pydantic's context.
SENTENCES: Mapping[str, str] = {
    "missing": "'{name}' is missing.",
    "extra_forbidden": "unknown key '{name}'.{hint}",
    "invalid_key": "the key '{name}' must be text.",
    "model_type": "{name} must be a mapping of keys and values, not {value}.",
    "model_attributes_type": "{name} must be a mapping of keys and values, not {value}.",
    "dict_type": "{name} must be a mapping of keys and values, not {value}.",
    "frozen_dict_type": "{name} must be a mapping of keys and values, not {value}.",
    "mapping_type": "{name} must be a mapping of keys and values, not {value}.",
    "list_type": "{name} must be a list, not {value}.",
    "tuple_type": "{name} must be a list, not {value}.",
    "set_type": "{name} must be a list, not {value}.",
    "frozen_set_type": "{name} must be a list, not {value}.",
    "iterable_type": "{name} must be a list, not {value}.",
    "set_item_not_hashable": "{name} must be a list of single values, not {value}.",
    "none_required": "{name} must be left out, not {value}.",
    "string_type": "{name} must be text, not {value}.{quotes}",
    "string_unicode": "{name} must be text, not {value}.",
    "string_too_short": "{name} must have at least {min_length} characters, not {value}.",
    "string_too_long": "{name} must have at most {max_length} characters.",
    "string_not_ascii": "{name} must be letters and digits without accents, not {value}.",
    "string_pattern_mismatch": "{name} must be {pattern}, not {value}.",
    "literal_error": "{name} must be {expected}, not {value}.{nearest}",
    "enum": "{name} must be {expected}, not {value}.{nearest}",
    "bool_type": "{name} must be true or false, not {value}.",
    "bool_parsing": "{name} must be true or false, not {value}.",
    "int_type": "{name} must be a whole number, not {value}.",
    "int_parsing": "{name} must be a whole number, not {value}.",
    "int_parsing_size": "{name} must be a smaller whole number, not {value}.",
    "int_from_float": "{name} must be a whole number, not {value}.",
    "float_type": "{name} must be a number, not {value}.",
    "float_parsing": "{name} must be a number, not {value}.",
    "finite_number": "{name} must be a finite number, not {value}.",
    "decimal_type": "{name} must be a number, not {value}.",
    "decimal_parsing": "{name} must be a number, not {value}.",
    "decimal_max_digits": "{name} must have at most {max_digits} digits, not {value}.",
    "decimal_max_places": "{name} must have at most {decimal_places} decimals, not {value}.",
    "decimal_whole_digits": "{name} must have at most {whole_digits} digits before the point, not {value}.",
    "greater_than": "{name} must be above {gt}, not {value}.",
    "greater_than_equal": "{name} must be at least {ge}, not {value}.",
    "less_than": "{name} must be below {lt}, not {value}.",
    "less_than_equal": "{name} must be at most {le}, not {value}.",
    "multiple_of": "{name} must be a multiple of {multiple_of}, not {value}.",
    "too_short": "{name} must have at least {min_length} entries, not {actual_length}.",
    "too_long": "{name} must have at most {max_length} entries.",
    "value_error": "{error}",
    "assertion_error": "{error}",
    "union_tag_invalid": "{name} must be one of {expected_tags}, not '{tag}'.",
    "union_tag_not_found": "{name} must say which kind it is, by one of its keys.",
    "is_instance_of": "{name} must be {class}, not {value}.",
    "time_delta_type": "{name} must be a period such as '30d', not {value}.",
    "time_delta_parsing": "{name} must be a period such as '30d', not {value}.",
    "recursion_loop": "{name} holds itself.",
}


def _exact(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("decimal_type", "a number is expected")
    return Decimal(str(value))


NAME = r"^[a-z][a-z0-9_]*$"
FILE_NAME = r"^[a-z][a-z0-9_]*\.yaml$"
DOTTED_NAME = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"
# What a pattern asks for, in words.
PATTERNS: Mapping[str, str] = {
    NAME: "small letters, digits and underscores, beginning with a letter",
    FILE_NAME: "the name of a file in the same folder, such as model.yaml",
    DOTTED_NAME: "small letters, digits and underscores, with points between words, such as crm.at_risk",
}

# Ids stand in SQL, in URLs and in the names of columns.
Name = Annotated[str, Field(strict=True, pattern=NAME, max_length=63)]
FileName = Annotated[str, Field(strict=True, pattern=FILE_NAME, max_length=63)]
# A decimal as it was written; text and true are not numbers.
Exact = Annotated[Decimal, BeforeValidator(_exact)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def read_shape(
    shape: type[S], source: YamlSource, about: str = "", data: Yaml = None
) -> tuple[S | None, tuple[Problem, ...], tuple[Path, ...]]:
    """The shape of a file, or else every problem that reading has not told, and the path of everything wrong.

    `about` begins each sentence; `data` stands in for what the file holds and has the same paths.
    """
    written = source.data if data is None else data
    try:
        return shape.model_validate(written), (), ()
    except ValidationError as error:
        found = _told(shape, error, written, about)
    # A value that was refused while reading is not there; its problem has been told.
    refused = {problem.line for problem in source.problems}
    fresh = [one for one in found if source.line(one[0]) not in refused or _at(written, one[0]) is not None]
    return None, tuple(source.problem(path, sentence) for path, sentence in fresh), tuple(path for path, _ in found)


def _told(shape: type[BaseModel], error: ValidationError, data: object, about: str) -> list[tuple[Path, str]]:
    told: list[tuple[Path, str]] = []
    for alternatives in _alternatives(error.errors(), data):
        path = _written(data, alternatives[0])
        if len(alternatives) == 1:
            sentence = _sentence(shape, alternatives[0], path, data)
        else:
            ends = [_sentence(shape, one, path, data) for one in alternatives]
            sentence = _merged(ends)
        told.append((path, f"{about}: {sentence}" if about else sentence))
    return told


def _alternatives(errors: Sequence[ErrorDetails], data: object) -> list[list[ErrorDetails]]:
    """Errors, those of the members of one union together unless a member was clearly meant."""
    groups: dict[tuple[str | int, ...], list[ErrorDetails]] = defaultdict(list)
    places = [error["loc"] for error in errors]
    for error in errors:
        # Entries with errors of their own don't count, and a list of nothing else is then called too short.
        end = len(error["loc"])
        if error["type"] == "too_short" and any(len(one) > end and one[:end] == error["loc"] for one in places):
            continue
        groups[_before_choice(data, error)].append(error)
    found: list[list[ErrorDetails]] = []
    for place, members in groups.items():
        tags = {error["loc"][len(place)] for error in members if len(error["loc"]) > len(place)}
        shallow = [error for error in members if len(error["loc"]) == len(place) + 1 and "type" in error["type"]]
        if len(tags) == 1 or place == ():
            found += [[error] for error in members]
        elif len(shallow) == len(members):
            found.append(members)
        else:
            found += [[error] for error in members if error not in shallow]
    return found


def _before_choice(data: object, error: ErrorDetails) -> tuple[str | int, ...]:
    """The location up to the last name of a union's member; the whole location if there is none."""
    end: int | None = None
    for number, key in enumerate(error["loc"]):
        inner = _step(data, key)
        if inner is _NOTHING:
            last = number == len(error["loc"]) - 1
            if not (last and error["type"] == "missing"):
                end = number
        else:
            data = inner
    return error["loc"] if end is None else error["loc"][:end]


_NOTHING = object()


def _step(data: object, key: str | int) -> object:
    if isinstance(data, Mapping) and key in data:
        return data[key]
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return data[key]
    return _NOTHING


def _written(data: object, error: ErrorDetails) -> Path:
    """The location without the names Pydantic puts in for the members of unions."""
    path: list[str | int] = []
    for key in error["loc"]:
        inner = _step(data, key)
        if inner is not _NOTHING:
            path.append(key)
            data = inner
    if error["type"] == "missing":
        path.append(error["loc"][-1])
    return tuple(path)


def _at(data: object, path: Path) -> object:
    """What stands at a path; a thing that is not there differs from nothing."""
    for key in path:
        data = _step(data, key)
    return data


def _sentence(shape: type[BaseModel], error: ErrorDetails, path: Path, data: object) -> str:
    context = dict(error.get("ctx", {}))
    if "sentence" in context or error["type"] not in SENTENCES:
        return _ended(error["msg"][:1].lower() + error["msg"][1:])
    value, name = error["input"], _name(path)
    if error["type"] == "extra_forbidden":
        known = known_keys(shape, data, path[:-1])
        context["hint"] = nearest(name, known) or (f" Known keys: {', '.join(known)}." if known else "")
    if "error" in context:
        context["error"] = _ended(str(context["error"]))
    context["quotes"] = " Put it in quotes if text is meant." if isinstance(value, bool | int | float) else ""
    context["pattern"] = PATTERNS.get(context.get("pattern", ""), f"text that matches {context.get('pattern')}")
    expected = str(context.get("expected", ""))
    choices = [part.strip("' ") for part in expected.replace(" or ", ",").split(",")]
    context["nearest"] = nearest(value, choices) if isinstance(value, str) else ""
    quoted = name if error["type"] in ("missing", "extra_forbidden", "invalid_key") else _subject(path)
    return SENTENCES[error["type"]].format(**{**context, "name": quoted, "value": shown(value)})


def _merged(sentences: list[str]) -> str:
    """'x must be a number, not y.' and 'x must be text, not y.' as one sentence."""
    starts = {sentence.partition(" must be ")[0] for sentence in sentences}
    endings = {sentence.rpartition(", not ")[2] for sentence in sentences}
    wishes = [sentence.partition(" must be ")[2].rpartition(", not ")[0] for sentence in sentences]
    if len(starts) != 1 or "" in wishes:
        return sentences[0]
    wishes = list(dict.fromkeys(wishes))
    return f"{starts.pop()} must be {', '.join(wishes[:-1])} or {wishes[-1]}, not {min(endings, key=len)}"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def _name(path: Path) -> str:
    return str(path[-1]) if path else "the file"


def _subject(path: Path) -> str:
    """'weight', or entry 2 of 'points'."""
    if not path:
        return "the file"
    numbers: list[str] = []
    for key in reversed(path):
        if isinstance(key, str):
            return "".join(f"entry {number} of " for number in numbers) + f"'{key}'"
        numbers.append(str(key + 1))
    return "entry " + ", ".join(reversed(numbers))


def shown(value: object) -> str:
    """A written value as a message quotes it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    text = text if len(text) <= 60 else f"{text[:59]}…"
    return f"'{text}'" if isinstance(value, str) else text
