"""Fillings for the parts of a health model that cannot be read, so that the other parts can still be checked."""

from collections.abc import Iterable
from copy import deepcopy

from keepwell.base.yaml_source import Path, Yaml

_MEASURE: dict[str, Yaml] = {"metric": "unread", "scale": {"kind": "linear", "from": 0, "to": 1}}
_GROUP: dict[str, Yaml] = {"id": "unread", "title": "unread", "parts": [_MEASURE]}
_BAND: dict[str, Yaml] = {"id": "low", "label": "", "colour": "grey", "icon": "disc", "tier": "watch", "lo": 0}
_NEEDED: dict[str, Yaml] = {
    "model": "unread",
    "title": "unread",
    "version": 1,
    "bands": [_BAND, {**_BAND, "id": "high", "lo": 50}],
    "groups": [_GROUP],
}


def mended(data: dict[str, Yaml], broken: Iterable[Path]) -> tuple[dict[str, Yaml], tuple[Path, ...]]:
    """The data with a filling around each broken path, and the paths of the fillings.

    A filling of a measure or group carries no weight, so that nobody adds it up.
    """
    whole = deepcopy(data)
    filled: list[Path] = []
    for path in sorted(broken, key=len):
        if any(path[: len(one)] == one for one in filled):
            continue
        part = _part(path)
        if part:
            _fill_part(whole, part)
            filled.append(part)
        elif path:
            _fill_key(whole, str(path[0]))
            filled.append(path[:1])
    return whole, tuple(filled)


def _part(path: Path) -> Path:
    """The deepest measure or group around a path."""
    end = 0
    for number, key in enumerate(path[:-1]):
        wanted = "groups" if number == 0 else "parts"
        if number % 2 == 0:
            if key != wanted or not isinstance(path[number + 1], int):
                break
            end = number + 2
    return path[:end]


def _fill_part(data: dict[str, Yaml], path: Path) -> None:
    owner: Yaml = data
    for key in path[:-1]:
        match owner, key:
            case dict(), str():
                owner = owner[key]
            case list(), int():
                owner = owner[key]
    number = path[-1]
    if isinstance(owner, list) and isinstance(number, int):
        owner[number] = deepcopy(_GROUP if len(path) == 2 else _MEASURE)


def _fill_key(data: dict[str, Yaml], key: str) -> None:
    data.pop(key, None)
    if key in _NEEDED:
        data[key] = deepcopy(_NEEDED[key])
