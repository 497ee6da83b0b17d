"""Which arm of a playbook an account is in: for ever the same, and worked out anew by anybody.

The hash and the ranges are those of GrowthBook's SDKs (hash version 2, coverage = 1 - holdout), so that its tools agree
on who saw what. A larger holdout takes accounts out of every arm and moves none between arms.
"""

from collections.abc import Mapping
from typing import Final

from keepwell.playbooks.enrolment import HOLDOUT

_BASIS: Final = 0x811C9DC5
_PRIME: Final = 0x01000193
_WORD: Final = 0xFFFFFFFF
_PLACES: Final = 10_000


def assign_arm(playbook_id: str, account: str, arms: Mapping[str, float], holdout: float) -> str:
    """The id of an arm, `HOLDOUT`, or "" where a playbook has no arms and the account is not held out."""
    place = _place(playbook_id, account)
    weights = arms or {"": 1.0}
    total = sum(weights.values())
    begin = 0.0
    for name, weight in weights.items():
        share = weight / total
        if begin <= place < begin + share * (1 - holdout):
            return name
        begin += share
    return HOLDOUT if holdout else list(weights)[-1]


def _place(seed: str, value: str) -> float:
    """Where in [0, 1) the value lies, in steps of a ten-thousandth."""
    return _fnv1a(str(_fnv1a(seed + value))) % _PLACES / _PLACES


def _fnv1a(text: str) -> int:
    """FNV-1a of 32 bits over the units of UTF-16, as JavaScript counts letters."""
    units = text.encode("utf-16-le", "surrogatepass")
    found = _BASIS
    for place in range(0, len(units), 2):
        found = (found ^ int.from_bytes(units[place : place + 2], "little")) * _PRIME & _WORD
    return found
