"""Whom the messages of an enrolment go to: one contact, chosen when it starts and kept to its end."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A contact of the account, as far as the choice asks; `contact` is its id."""

    contact: int
    role: str
    has_address: bool
    is_opted_out: bool


def choose_contact(persons: Sequence[Person], roles: Sequence[str]) -> int | None:
    """The contact to write to, None where the account has none.

    Those who want no messages come last, then those without an address; of the others whoever has the first of the
    roles, and of these the one that was known first.
    """
    rank = {role: place for place, role in enumerate(roles)}
    ordered = sorted(
        persons,
        key=lambda one: (one.is_opted_out, not one.has_address, rank.get(one.role, len(rank)), one.contact),
    )
    return ordered[0].contact if ordered else None
