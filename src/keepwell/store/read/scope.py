"""Which accounts a member may see; every guarded read begins here."""

from django.db.models import QuerySet

from keepwell.store.models import Account, Member


def visible_accounts(member: Member) -> QuerySet[Account]:
    """All accounts for an active member, none for anybody else."""
    return Account.objects.all() if member.is_active else Account.objects.none()


def sees_everything(member: Member) -> bool:
    """True where filtering by account would leave nothing out."""
    return member.is_active
