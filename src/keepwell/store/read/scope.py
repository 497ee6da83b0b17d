"""Which accounts a member may see, and at which they may act; every guarded read and write begins here."""

from typing import Final

from django.db.models import Q, QuerySet

from keepwell.store.models import Account, Member

# They act at every account; a CSM at their own, those of nobody, and where a signal was given to them.
ACTING_ROLES: Final = frozenset({"owner", "admin", "lead"})
OWNING_ROLES: Final = frozenset({"csm"})


def visible_accounts(member: Member) -> QuerySet[Account]:
    """All accounts for an active member, none for anybody else."""
    return Account.objects.all() if member.is_active else Account.objects.none()


def sees_everything(member: Member) -> bool:
    """True where filtering by account would leave nothing out."""
    return member.is_active


def may_act(member: Member) -> bool:
    """False for those who only look: analysts and viewers."""
    return member.is_active and member.role in ACTING_ROLES | OWNING_ROLES


def may_act_at(member: Member, account: Account | None, assignee_id: int | None = None) -> bool:
    """Whether a member may handle a signal of this account that was given to somebody, or of a source (None)."""
    if not may_act(member) or member.role in ACTING_ROLES:
        return may_act(member)
    if assignee_id is not None and assignee_id == member.pk:
        return True
    return account is not None and account.owner_id in {None, member.pk}


def owned_by(member: Member, path: str) -> Q:
    """Rows whose account, reached by `path`, the member owns; nothing for whoever is no row, such as a key."""
    return Q(**{f"{path}owner": member.pk, f"{path}owner__isnull": False})
