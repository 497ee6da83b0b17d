"""Members join, get a new password, and leave."""

import secrets
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from keepwell.base.errors import UserError, nearest
from keepwell.jobs.audit import record_act
from keepwell.store.models import Member

ROLES = ("owner", "admin", "analyst", "lead", "csm", "viewer")


def random_password() -> str:
    """About 119 bits, in characters that no font confuses."""
    alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def do_add_member(email: str, *, name: str, role: str, password: str | None, by: str, now: datetime) -> Member:
    """A new member; without a password nobody can sign in as them by one."""
    email = _checked(email)
    if role not in ROLES:
        raise UserError(f"{role!r} is not a role; expected one of {', '.join(ROLES)}.{nearest(role, ROLES)}")
    with transaction.atomic():
        if Member.objects.filter(email__iexact=email).exists():
            raise UserError(f"{email} is a member already; 'keepwell member list' shows all of them.")
        member = Member.objects.create_user(email, password, name=name or email.partition("@")[0], role=role)
        record_act("add_member", f"member:{member.pk}", {"email": email, "role": role}, by=by, now=now)
    return member


def do_disable_member(email: str, *, by: str, now: datetime) -> None:
    """The member cannot sign in any more, and sessions that are open end at their next request."""
    with transaction.atomic():
        member = find_member(email)
        if not member.is_active:
            raise UserError(f"{member.email} is disabled already.")
        if not Member.objects.filter(is_active=True).exclude(pk=member.pk).exists():
            raise UserError(f"{member.email} is the last member who can sign in; add another one first.")
        member.is_active = False
        member.save(update_fields=["is_active"])
        record_act("disable_member", f"member:{member.pk}", {"email": member.email}, by=by, now=now)


def do_reset_password(email: str, *, by: str, now: datetime) -> str:
    """A new random password, to be shown once; open sessions end, because they are tied to the old one."""
    with transaction.atomic():
        member = find_member(email)
        password = random_password()
        member.set_password(password)
        member.save(update_fields=["password"])
        record_act("reset_password", f"member:{member.pk}", {"email": member.email}, by=by, now=now)
    return password


def do_note_sign_in(email: str, *, address: str, is_done: bool, now: datetime) -> None:
    """Somebody signed in, or tried to and failed."""
    act = "sign_in" if is_done else "fail_sign_in"
    with transaction.atomic():
        record_act(act, f"email:{email[:300]}"[:300], {"address": address}, by=email[:320], now=now)


def find_member(email: str) -> Member:
    """The member of that address, disabled or not; raises with the nearest one where there is none."""
    member = Member.objects.filter(email__iexact=email.strip()).first()
    if member is None:
        known = list(Member.objects.values_list("email", flat=True))
        raise UserError(
            f"There is no member {email!r}.{nearest(email, known)} 'keepwell member list' shows all of them."
        )
    return member


def _checked(email: str) -> str:
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise UserError(f"{email!r} is not an e-mail address; expected one such as ada@example.org.") from None
    return email
