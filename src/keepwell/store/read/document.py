"""Documents, as members may see them: like the account that they are about."""

from django.db.models import QuerySet

from keepwell.store.models import Document, Member
from keepwell.store.read.scope import visible_accounts


def visible_documents(member: Member) -> QuerySet[Document]:
    rows = Document.objects.filter(account__in=visible_accounts(member))
    return rows.select_related("account__owner", "enrolment", "version", "task")


def access_document(member: Member, document_id: int) -> Document | None:
    return visible_documents(member).filter(pk=document_id).first()


def access_documents(member: Member, account: int | None = None) -> QuerySet[Document]:
    """The newest first."""
    rows = visible_documents(member)
    if account is not None:
        rows = rows.filter(account=account)
    return rows.order_by("-created_at", "-pk")
