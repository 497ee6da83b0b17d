"""One story from a seed: everything that happened, and which promises it broke."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from tests.simulation.promises import Promises, stories
from tests.simulation.world import TURN, World

DAY: Final = timedelta(days=1)
# What even a short story must come to, or its promises were never in danger.
ALWAYS: Final = ("touch sent", "touch suppressed", "touch unknown", "said no", "approved")


@dataclass(frozen=True)
class Story:
    broken: list[str]
    sometimes: Counter[str]


def tell(folder: Path, seed: int, *, accounts: int, days: int) -> Story:
    """Live through it, and look at every promise after every turn; ends with the first turn that breaks one."""
    with _with_a_key():
        world = World(folder, seed, accounts)
        promises = Promises(world)
        for _ in range(days * DAY // TURN):
            world.turn()
            broken = promises.broken()
            if broken:
                return Story([f"seed {seed}, {world.now:%d %b %H:%M}: {one}" for one in broken], world.sometimes)
        return Story([], world.sometimes + stories())


@contextmanager
def _with_a_key() -> Iterator[None]:
    before = vars(settings).get("SECRET_KEY")
    vars(settings)["SECRET_KEY"] = "only-for-these-stories-" * 2
    try:
        yield
    finally:
        if before is None:
            del vars(settings)["SECRET_KEY"]
        else:
            vars(settings)["SECRET_KEY"] = before
