"""Good inputs of which a part is made large: what takes its square in time or space shows there, and nowhere else.

python -m tests.fuzz.growth --seconds 60 --seed 1
"""

import argparse
import copy
import json
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
django.setup()

from tests.fuzz.readers import CONNECTORS, DIALECTS, READERS  # noqa: E402  # after Django
from tests.fuzz.seeds import as_protobuf, keep, seeds  # noqa: E402

LARGEST: Final = 1024 * 1024
Path = tuple[str | int, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    inputs = {target: seeds(target) for target in READERS}
    end = time.monotonic() + asked.seconds
    runs, found = 0, set[tuple[str, str]]()
    while time.monotonic() < end:
        target = rng.choice(sorted(READERS))
        data = grown(target, rng.choice(inputs[target]), rng)
        runs += 1
        try:
            READERS[target](data)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
            place = (target, f"{type(error).__name__} {traceback.extract_tb(error.__traceback__)[-1].name}")
            if place not in found:
                found.add(place)
                print(f"finding {target}: {error} -> {keep(target, data)}", flush=True)
    print(f"executions {runs}")
    sys.exit(1 if found else 0)


def grown(target: str, seed: bytes, rng: random.Random) -> bytes:
    head, body = seed[:1], seed[1:]
    line = b""
    if target in CONNECTORS:
        line, _, body = body.partition(b"\n")
        line += b"\n"
    elif target not in DIALECTS:
        head, body = b"", seed
    try:
        value = json.loads(body)
        large = json.dumps(grown_value(value, rng), separators=(",", ":"), ensure_ascii=rng.random() < 0.5).encode()
    except (ValueError, RecursionError):
        large = grown_bytes(body, rng)
    if target == "otlp" and rng.random() < 0.7:
        head, large = bytes([4]), as_protobuf(large) or large
    return head + line + large[:LARGEST]


def grown_bytes(body: bytes, rng: random.Random) -> bytes:
    """A slice of it many times over."""
    start = rng.randrange(len(body) + 1)
    piece = body[start : start + rng.choice((1, 2, 8, 40, 200))] or b"x"
    return (body[:start] + piece * (rng.choice((50_000, LARGEST)) // len(piece)) + body[start:])[:LARGEST]


def grown_value(value: object, rng: random.Random) -> object:
    """One list of it as long as can be, and one other place as large as can be."""
    found = copy.deepcopy(value)
    lists = [path for path in _paths(found, (), 60) if path and isinstance(_at(found, path), list)]
    if lists and rng.random() < 0.7:
        path = rng.choice(lists)
        _put(found, path, rng.choice((_many, _many_small, _many_empty))(_at(found, path), 2_500, rng))
    for _ in range(rng.choice((1, 1, 2))):
        paths = [path for path in _paths(found, (), 60) if path]
        room = LARGEST - len(json.dumps(found))
        if paths and room > 1_000:
            path = rng.choice(paths)
            size = min(room, rng.choice((300, 2_400, 40_000, 300_000, LARGEST)))
            _put(found, path, rng.choice(_GROWTHS)(_at(found, path), size, rng))
    return found


def _long_text(value: object, size: int, rng: random.Random) -> object:
    return rng.choice(("x", "\u00e9", '"', " ", "<", "2026-", "9")) * size


def _many(value: object, size: int, rng: random.Random) -> object:
    one = value[0] if isinstance(value, list) and value else value
    text = len(json.dumps(one)) + 1
    return [one] * min(2_500, size, max(1, LARGEST // text))


def _many_small(value: object, size: int, rng: random.Random) -> object:
    """As many as may be in a batch, each with a few of its members."""
    one = value[0] if isinstance(value, list) and value else value
    if isinstance(one, dict):
        names = rng.sample(sorted(one), min(len(one), rng.choice((1, 2, 3, 4))))
        one = {name: one[name] for name in names}
    text = len(json.dumps(one)) + 1
    return [one] * min(2_500, max(1, LARGEST // 2 // text))


def _many_empty(value: object, size: int, rng: random.Random) -> object:
    return [rng.choice(({}, [], None, 0))] * min(2_500, size)


def _many_keys(value: object, size: int, rng: random.Random) -> object:
    own = value if isinstance(value, dict) else {}
    return {**own, **{f"{number:x}": rng.choice((0, None, "x")) for number in range(min(size // 12, 80_000))}}


def _deep(value: object, size: int, rng: random.Random) -> object:
    for _ in range(min(size, 400)):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def _large_number(value: object, size: int, rng: random.Random) -> object:
    return int("9" * min(size, 4_000))


_GROWTHS: Final[list[Callable[[object, int, random.Random], object]]] = [
    _long_text,
    _many,
    _many,
    _many_empty,
    _many_keys,
    _deep,
    _large_number,
]


def _paths(value: object, before: Path, most: int) -> list[Path]:
    found = [before]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs)[:most]:
        if len(found) < 500 and len(before) < 12:
            found += _paths(inner, (*before, key), 8)
    return found


def _at(value: object, path: Path) -> object:
    for step in path:
        value = value[step]  # type: ignore[index]
    return value


def _put(value: object, path: Path, new: object) -> None:
    inner = _at(value, path[:-1])
    inner[path[-1]] = new  # type: ignore[index]


if __name__ == "__main__":
    main()
