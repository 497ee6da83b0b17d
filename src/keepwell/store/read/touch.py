"""Touches, as members may see them, and who may let one leave."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from django.db.models import Count, Q, QuerySet

from keepwell.facts.notice import ADMIN, CSM
from keepwell.store.models import Member, Touch
from keepwell.store.read.member import holders_of_roles
from keepwell.store.read.scope import visible_accounts

# What lists of messages may be narrowed to; `waiting` is everything that has not come to its end and waits for nobody.
TouchListed = Literal["all", "asked", "waiting", "sent", "suppressed", "failed", "unknown"]
WAITING: Final = ("draft", "todo", "claimed")


def visible_touches(member: Member) -> QuerySet[Touch]:
    joined = ("account__owner", "contact", "enrolment", "sender")
    return Touch.objects.filter(account__in=visible_accounts(member)).select_related(*joined)


def access_touch(member: Member, touch_id: int) -> Touch | None:
    return visible_touches(member).filter(pk=touch_id).first()


def access_touches(member: Member, listed: TouchListed, account: int | None = None) -> QuerySet[Touch]:
    """The newest first; those that wait by when they are due."""
    rows = visible_touches(member)
    if account is not None:
        rows = rows.filter(account=account)
    if listed == "waiting":
        return rows.filter(state__in=WAITING).order_by("due_at", "pk")
    if listed == "asked":
        return rows.filter(state="asked").order_by("late_at", "pk")
    return (rows if listed == "all" else rows.filter(state=listed)).order_by("-queued_at", "-pk")


def access_touch_counts(member: Member) -> dict[TouchListed, int]:
    """How many each list has."""
    rows = Touch.objects.filter(account__in=visible_accounts(member)).order_by().values_list("state")
    states = dict(rows.annotate(count=Count("pk")))
    found: dict[TouchListed, int] = {"all": sum(states.values()), "waiting": sum(states.get(one, 0) for one in WAITING)}
    for listed in ("asked", "sent", "suppressed", "failed", "unknown"):
        found[listed] = states.get(listed, 0)
    return found


def approvers(touches: Iterable[Touch]) -> dict[int, list[Member]]:
    """By touch, whoever may let it leave: the holders of the role that it waits for, the account's own CSM; where none
    of them can sign in, owners and admins."""
    active = {member.pk: member for member in Member.objects.filter(is_active=True).order_by("name", "pk")}
    holders = {
        role: [active[member] for member in members if member in active] for role, members in holders_of_roles().items()
    }
    found: dict[int, list[Member]] = {}
    for touch in touches:
        owner = touch.account.owner_id
        if touch.approve_by == CSM and owner is not None and owner in active:
            found[touch.pk] = [active[owner]]
        else:
            found[touch.pk] = holders.get(touch.approve_by) or holders[ADMIN]
    return found


def may_approve(member: Member, touch: Touch) -> bool:
    """Nobody may but those whom it speaks for, or owners and admins in their stead; see `approvers`."""
    return member.is_active and any(one.pk == member.pk for one in approvers([touch])[touch.pk])


def access_shown(member: Member, account: int, contact: str, after: datetime, after_id: int) -> QuerySet[Touch]:
    """What the product shows a contact, by when it was let go; only what came behind a moment and, at it, an id."""
    rows = visible_touches(member).filter(account=account, contact__key=contact, channel="in_app", state="sent")
    is_later = Q(settled_at__gt=after) | Q(settled_at=after, pk__gt=after_id)
    return rows.filter(is_later).order_by("settled_at", "pk")


def recent_touches(since: datetime) -> dict[str, int]:
    """How many messages came to which end since then; `unwritten` are those that lacked a field."""
    rows = Touch.objects.filter(settled_at__gte=since).order_by()
    found = dict(rows.values_list("state").annotate(count=Count("pk")))
    return {**found, "unwritten": rows.filter(state="suppressed", text="").count()}


def newly_shown(since: datetime) -> list[tuple[int, int]]:
    """Messages that the product shows since then, for all contacts: the id of each and that of its account."""
    rows = Touch.objects.filter(channel="in_app", state="sent", settled_at__gte=since)
    return list(rows.values_list("pk", "account_id"))
