"""Which keys a shape knows at a path, for the nearest name of an unknown one."""

from collections.abc import Iterator, Mapping, Sequence
from types import MethodType, UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from keepwell.base.registry import OneOf, kinds
from keepwell.base.yaml_source import Path


def known_keys(shape: type[BaseModel], data: object, path: Path) -> tuple[str, ...]:
    """Every key the shape may have at the path; `data` tells which kind is meant where there are several."""
    found: list[object] = list(_choices(shape, data))
    for key in path:
        data = _inside(data, key)
        found = [choice for one in found for inner in _members(one, key) for choice in _choices(inner, data)]
    names = [_key(name, field) for one in found if _is_shape(one) for name, field in _fields(one).items()]
    return tuple(dict.fromkeys(names))


def _choices(annotation: object, data: object) -> Iterator[object]:
    """The plain types an annotation stands for."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        registry = next((mark for mark in marks if isinstance(mark, OneOf)), None)
        if registry is None:
            yield from _choices(inner, data)
        else:
            known = kinds(registry.package, registry.base)
            kind = _inside(data, "kind")
            yield from [known[kind]] if isinstance(kind, str) and kind in known else known.values()
    elif origin in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _choices(inner, data)
    elif isinstance(annotation, type) and isinstance(keys := getattr(annotation, "keys", None), MethodType):
        # A mapping that is no shape itself says which one its keys are those of.
        yield keys()
    else:
        yield annotation


def _members(container: object, key: str | int) -> Iterator[object]:
    """The annotations of what a container holds under a key."""
    if _is_shape(container):
        hints = get_type_hints(container, include_extras=True)
        yield from (hints[name] for name, field in _fields(container).items() if _key(name, field) == key)
        return
    origin, inner = get_origin(container), get_args(container)
    if not isinstance(origin, type) or not inner:
        return
    if issubclass(origin, Mapping):
        yield inner[1]
    elif issubclass(origin, Sequence) and isinstance(key, int):
        fixed = origin is tuple and inner[-1] is not Ellipsis
        if not fixed:
            yield inner[0]
        elif key < len(inner):
            yield inner[key]


def _is_shape(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _fields(shape: object) -> Mapping[str, FieldInfo]:
    return shape.model_fields if isinstance(shape, type) and issubclass(shape, BaseModel) else {}


def _key(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _inside(data: object, key: str | int) -> object:
    if isinstance(data, Mapping):
        return data.get(key)
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return data[key]
    return None
