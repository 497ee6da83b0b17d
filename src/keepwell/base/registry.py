"""Kinds: classes found in a folder by their name, so that a new one is one new file.

A kind is one class in one module of the folder. The class subclasses the folder's base, declares
`kind: Literal["<name>"]`, and its module is called `<name>`.
"""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, ClassVar, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from keepwell.base.errors import BugError, nearest

T = TypeVar("T")


def kinds(package: ModuleType | str, base: type[T]) -> dict[str, type[T]]:
    """The classes of a folder by `kind`, in the order of the alphabet.

    Imports every module of the folder once; a module that is not exactly one kind of its own name is our bug.
    """
    name = package if isinstance(package, str) else package.__name__
    # mypy takes the __hash__ of a class's instances for that of the class.
    found = _found(name, base)  # type: ignore[arg-type]
    return cast("dict[str, type[T]]", dict(found))


@cache
def _found(package: str, base: type[object]) -> Mapping[str, type[object]]:
    folder = importlib.import_module(package)
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    return {name: _only_kind(importlib.import_module(f"{package}.{name}"), name, base) for name in names}


def _only_kind(module: ModuleType, name: str, base: type[object]) -> type[object]:
    found = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, base) and item.__module__ == module.__name__
    ]
    if len(found) != 1:
        classes = ", ".join(item.__name__ for item in found) or "none"
        raise BugError(
            f"{module.__name__} must hold exactly one subclass of {base.__name__}; it holds {len(found)} ({classes})."
        )
    kind = _kind_of(found[0])
    if kind != name:
        raise BugError(f"{module.__name__} holds the kind {kind!r}; the file must be called {kind}.py.")
    return found[0]


def _kind_of(found: type[object]) -> str:
    hint = get_type_hints(found).get("kind")
    if get_origin(hint) is ClassVar:
        (hint,) = get_args(hint)
    names = get_args(hint) if get_origin(hint) is Literal else ()
    if len(names) != 1 or not isinstance(names[0], str):
        raise BugError(f'{found.__module__}.{found.__name__} must declare kind: Literal["<name>"] with one name.')
    return names[0]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Makes `Annotated[Base, OneOf(folder, Base)]` accept a mapping by its `kind`, or a finished object.

    The static type stays the base class. The folder is read at the first validation, not when the annotation is
    made, so a base class and its folder may need each other. Places of errors are those in the mapping.
    """

    package: str
    base: type[BaseModel]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = kinds(self.package, self.base)
        choices: list[CoreSchema | tuple[CoreSchema, str]] = [
            (choice.__pydantic_core_schema__, kind) for kind, choice in found.items()
        ]
        return handler(core_schema.union_schema(choices))

    def _validate(self, value: object, info: ValidationInfo[Any]) -> BaseModel:
        if isinstance(value, self.base):
            return value
        found = kinds(self.package, self.base)
        if not isinstance(value, Mapping):
            raise PydanticCustomError(
                "kind_mapping", "{sentence}", {"sentence": f"expected a mapping with a kind, which is {_choice(found)}"}
            )
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in found:
            raise self._unknown(value, found)
        return found[kind].model_validate(value, context=info.context)

    def _unknown(self, value: Mapping[Any, object], found: Mapping[str, object]) -> ValidationError:
        noun = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.base.__name__).lower()
        kind = value.get("kind")
        if "kind" not in value:
            place: tuple[str, ...] = ()
            sentence = f"no {noun} kind given; expected {_choice(found)}."
        else:
            place = ("kind",)
            hint = nearest(kind, list(found)) if isinstance(kind, str) else ""
            sentence = f"unknown {noun} kind {kind!r}." + (hint or f" Expected {_choice(found)}.")
        error = PydanticCustomError("unknown_kind", "{sentence}", {"sentence": sentence})
        details = InitErrorDetails(type=error, loc=place, input=kind)
        return ValidationError.from_exception_data(noun, [details])


def _choice(found: Mapping[str, object]) -> str:
    return f"one of {', '.join(found)}" if found else "one of none: the folder is empty"
