"""Routes by which members are told, and the roles that members hold."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, cast

from django.db import transaction

from keepwell.base.errors import UserError, nearest
from keepwell.base.registry import kinds
from keepwell.base.settings import Settings
from keepwell.base.shape import NAME, PATTERNS
from keepwell.channels import kinds as channel_kinds
from keepwell.channels.channel import Channel, MailServer, Means
from keepwell.facts.message import Entry, Message, Receipt
from keepwell.facts.notice import ADMIN, CSM, SEVERITIES
from keepwell.facts.notice_text import one_line
from keepwell.jobs.audit import record_act
from keepwell.jobs.member import find_member
from keepwell.jobs.secret import open_vault, place_of_route
from keepwell.store.models import Member, Notification, NotificationRoute, RoleHolder

# The target of a route decides where news of customers go.
MAY_SET_ROUTES: Final = ("owner", "admin")
MAIL: Final = "mail"
TEST_NAME: Final = "keepwell.test"
_ROLE: Final = re.compile(NAME)
_TEST: Final = (
    "A test message of Keepwell",
    "This is a test. Whoever is told by this route gets messages like this one. Nothing happened; nothing is to do.\n",
)


def do_add_route(
    settings: Settings,
    *,
    member: str = "",
    team: str = "",
    channel: str = MAIL,
    target: str = "",
    severity: str = "low",
    roles: Sequence[str] = (),
    by: str,
    now: datetime,
) -> NotificationRoute:
    """A way to tell a member, by e-mail address, or a team, by a name of your choice.

    A member's mail goes to their own address where no target is given. A member may do this only as an owner or admin.
    """
    _refuse_others(by)
    known = kinds(channel_kinds, Channel)
    if channel not in known:
        names = sorted(known)
        raise UserError(f"{channel!r} is not a channel; expected one of {', '.join(names)}.{nearest(channel, names)}")
    if severity not in SEVERITIES:
        raise UserError(
            f"{severity!r} is not a severity; expected one of {', '.join(SEVERITIES)}.{nearest(severity, SEVERITIES)}"
        )
    if bool(member) == bool(team):
        raise UserError("A route leads to one member or to one team; expected either of them.")
    roles = [_checked_role(role) for role in roles]
    with transaction.atomic():
        found = _active(member) if member else None
        if found is not None and channel == MAIL:
            target = target or found.email
        means = means_of(settings)
        kept = known[channel]().checked(target, means)
        route = NotificationRoute.objects.create(
            member=found, team=one_line(team, 200), channel=channel, shown=known[channel]().shown(kept)[:320],
            severity=severity, roles=roles, created_at=now, created_by=by,
        )  # fmt: skip
        route.target = open_vault(settings).encrypt(kept, place_of_route(route.pk))
        route.save(update_fields=["target"])
        details = {
            "member": found.email if found else None,
            "team": route.team,
            "channel": channel,
            "severity": severity,
            "roles": list(roles),
        }
        record_act("add_route", f"route:{route.pk}", details, by=by, now=now)
    return route


def do_remove_route(number: int, *, by: str, now: datetime) -> NotificationRoute:
    """The target is forgotten at once; what waits on the route is told nobody."""
    _refuse_others(by)
    with transaction.atomic():
        route = find_route(number)
        route.target, route.removed_at = "", now
        route.save(update_fields=["target", "removed_at"])
        waiting = Notification.objects.filter(route=route, state="todo")
        count = waiting.update(state="suppressed", reason="The route was removed.", settled_at=now)
        record_act("remove_route", f"route:{route.pk}", {"suppressed": count}, by=by, now=now)
    return route


def do_test_route(settings: Settings, number: int, *, by: str, now: datetime) -> Receipt:
    """Send a test message, outside the queue, and say what became of it. A message that arrives ends a route's rest."""
    _refuse_others(by)
    route = find_route(number)
    channel = kinds(channel_kinds, Channel)[route.channel]()
    target = open_vault(settings).decrypt(route.target, place_of_route(route.pk))
    entries = (Entry(TEST_NAME, now, {"title": _TEST[0], "sentence": _TEST[1].strip()}),)
    message = Message(secrets.token_hex(16), *_TEST, now, entries)
    receipt = channel.send(target, message, means_of(settings))
    with transaction.atomic():
        if receipt.outcome == "sent":
            NotificationRoute.objects.filter(pk=route.pk).update(refusals=0, paused_until=None)
        details = {"outcome": receipt.outcome, "detail": receipt.detail}
        record_act("test_route", f"route:{route.pk}", details, by=by, now=now)
    return receipt


def do_assign_role(role: str, email: str, *, by: str, now: datetime) -> RoleHolder:
    """The member is told what is told to the role from now on."""
    role = _checked_role(role)
    if role == ADMIN:
        raise UserError("Owners and admins hold the role 'admin'; change the member instead.")
    with transaction.atomic():
        member = _active(email)
        holder, is_new = RoleHolder.objects.get_or_create(role=role, member=member, defaults={"assigned_at": now})
        if not is_new:
            raise UserError(f"{member.email} holds the role {role!r} already.")
        record_act("assign_role", f"member:{member.pk}", {"role": role, "email": member.email}, by=by, now=now)
    return holder


def do_unassign_role(role: str, email: str, *, by: str, now: datetime) -> None:
    """The member is told no more what is told to the role."""
    with transaction.atomic():
        member = find_member(email)
        gone, _ = RoleHolder.objects.filter(role=role, member=member).delete()
        if not gone:
            held = list(RoleHolder.objects.filter(member=member).values_list("role", flat=True))
            raise UserError(f"{member.email} does not hold the role {role!r}.{nearest(role, held)}")
        record_act("unassign_role", f"member:{member.pk}", {"role": role, "email": member.email}, by=by, now=now)


def means_of(settings: Settings) -> Means:
    """What the settings give to channels."""
    server = None
    if settings.mail_host:
        security = cast("Literal['tls', 'starttls', 'none']", settings.mail_security)
        server = MailServer(
            settings.mail_host, settings.mail_port, security, settings.mail_sender, settings.mail_login,
            settings.mail_password, settings.mail_dkim_selector, settings.mail_dkim_key_file,
        )  # fmt: skip
    return Means(server, settings.allow_private_targets)


def find_route(number: int) -> NotificationRoute:
    """The route of that number, unless it was removed."""
    found = NotificationRoute.objects.filter(pk=number, removed_at=None).first()
    if found is None:
        raise UserError(f"There is no route {number}; 'keepwell notify list' shows all of them.")
    return found


def is_for_programs(route: NotificationRoute) -> bool:
    """Whether a program reads what goes by the route."""
    found = kinds(channel_kinds, Channel).get(route.channel)
    return found is not None and found.is_for_programs


def completed_target(channel: str, target: str) -> tuple[str, str]:
    """A target with what its channel makes where it lacks it; and that, to be shown once, or ""."""
    found = kinds(channel_kinds, Channel).get(channel)
    return (target, "") if found is None else found().completed(target)


def _active(email: str) -> Member:
    member = find_member(email)
    if not member.is_active:
        raise UserError(f"{member.email} is disabled and is told nothing; name somebody else.")
    return member


def _refuse_others(by: str) -> None:
    """Whoever has a shell on this machine may do everything; a member must be an owner or an admin."""
    member = Member.objects.filter(email=by).first()
    if member is not None and member.role not in MAY_SET_ROUTES:
        raise UserError("Only owners and admins may set by which routes members are told; ask one of them.")


def _checked_role(role: str) -> str:
    role = role.strip()
    if not _ROLE.fullmatch(role) or len(role) > 63:
        raise UserError(f"{role[:80]!r} is not a role; expected {PATTERNS[NAME]}, such as {CSM} or ceo.")
    return role
