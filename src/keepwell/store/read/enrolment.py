"""Enrolments, as members may see them."""

from datetime import datetime
from typing import Literal

from django.db.models import Count, Max, Q, QuerySet

from keepwell.store.models import Alert, EnrolmentRecord, Member, Milestone, OpportunitySign
from keepwell.store.read.scope import visible_accounts

EnrolmentListed = Literal["open", "over", "all"]


def visible_enrolments(member: Member) -> QuerySet[EnrolmentRecord]:
    rows = EnrolmentRecord.objects.filter(account__in=visible_accounts(member))
    return rows.select_related("account__owner", "contact", "version")


def access_enrolment(member: Member, enrolment_id: int) -> EnrolmentRecord | None:
    return visible_enrolments(member).filter(pk=enrolment_id).first()


def access_enrolments(
    member: Member, listed: EnrolmentListed = "open", *, playbook: str = "", account: int | None = None
) -> QuerySet[EnrolmentRecord]:
    """The newest first."""
    rows = _narrowed(visible_enrolments(member), playbook, account)
    if listed != "all":
        rows = rows.filter(finished_at__isnull=listed == "open")
    return rows.order_by("-started_at", "-pk")


def access_enrolment_counts(member: Member, *, playbook: str = "") -> dict[EnrolmentListed, int]:
    """How many each list has."""
    rows = _narrowed(EnrolmentRecord.objects.filter(account__in=visible_accounts(member)), playbook, None)
    found = rows.aggregate(open=Count("pk", filter=Q(finished_at=None)), all=Count("pk"))
    return {"open": found["open"], "over": found["all"] - found["open"], "all": found["all"]}


def access_playbook_titles(member: Member) -> dict[str, str]:
    """Every playbook that an account went through, with a title of it, by title."""
    rows = EnrolmentRecord.objects.filter(account__in=visible_accounts(member)).order_by("playbook")
    titles = dict(rows.values_list("playbook").annotate(title=Max("title")))
    return dict(sorted(titles.items(), key=lambda one: one[1]))


def access_cause(member: Member, record: EnrolmentRecord) -> Alert | OpportunitySign | Milestone | None:
    """The signal that an enrolment started on; None where there was none, or it is gone."""
    accounts = visible_accounts(member)
    if record.signal_id is None:
        return None
    if record.signal_noun == "alert":
        return Alert.objects.filter(pk=record.signal_id, account__in=accounts).first()
    if record.signal_noun == "opportunity":
        return OpportunitySign.objects.filter(pk=record.signal_id, opportunity__account__in=accounts).first()
    if record.signal_noun == "milestone":
        return Milestone.objects.filter(pk=record.signal_id, account__in=accounts).first()
    return None


def overdue_steps(now: datetime) -> QuerySet[EnrolmentRecord]:
    """Enrolments whose next step was due before a moment and was not looked at, those that wait longest first."""
    return EnrolmentRecord.objects.filter(due_at__lt=now).order_by("due_at")


def open_enrolments() -> int:
    return EnrolmentRecord.objects.filter(finished_at=None).count()


def _narrowed(rows: QuerySet[EnrolmentRecord], playbook: str, account: int | None) -> QuerySet[EnrolmentRecord]:
    if playbook:
        rows = rows.filter(playbook=playbook)
    return rows if account is None else rows.filter(account=account)
