"""Claims: several processes share rows of work, and a row is worked on by one of them at a time.

A claim lasts for a lease by the clock of the database. A process that is killed holds its rows for the lease at
most. One that is only paused may wake when its lease is over and another has the rows: so whoever writes what came of
the work asks `held` first, in the transaction that writes. `held` locks the rows until that transaction ends.
"""

from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from keepwell.store.listed import listed
from keepwell.store.models.claim import Claimable, NamedClaim

Row = TypeVar("Row", bound=Claimable)


class ClaimLostError(Exception):
    """The lease was over and another process has what was claimed: nothing of the work may be written."""


def new_claim() -> str:
    """A name that no other claim has."""
    return uuid4().hex


def claim_rows(rows: QuerySet[Row], claim: str, lease: timedelta, most: int) -> list[Row]:
    """Claim up to `most` of these rows that nobody holds, in their order; those just being claimed are passed over."""
    is_free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    with transaction.atomic():
        found = list(rows.filter(is_free).select_for_update(skip_locked=True)[:most])
        if found:
            chosen = rows.order_by().filter(pk__in=listed(row.pk for row in found))
            chosen.update(claimed_by=claim, claimed_until=Now() + lease)
    return found


def held(rows: QuerySet[Row], claim: str) -> list[int]:
    """The ids of those of the rows that this claim still has, locked until the transaction ends."""
    return list(rows.filter(claimed_by=claim).order_by("pk").select_for_update().values_list("pk", flat=True))


def release_rows(rows: QuerySet[Row], claim: str) -> None:
    """Let go of what this claim still has."""
    with transaction.atomic():
        rows.filter(pk__in=listed(held(rows, claim))).update(claimed_by="", claimed_until=None)


def take_turn(number: int) -> None:
    """Wait until no other transaction has this turn, and keep it until this one ends. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def claim_name(name: str, claim: str, lease: timedelta) -> bool:
    """Claim what is one thing; false where another has it."""
    NamedClaim.objects.get_or_create(name=name)
    return bool(claim_rows(NamedClaim.objects.filter(name=name), claim, lease, 1))


def has_name(name: str, claim: str) -> bool:
    """Whether this claim still has it, locked until the transaction ends."""
    return bool(held(NamedClaim.objects.filter(name=name), claim))


def release_name(name: str, claim: str) -> None:
    release_rows(NamedClaim.objects.filter(name=name), claim)
