"""Documents about accounts: listed, and one with its words."""

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from keepwell.jobs.document_shape import DocumentShape, WrittenDocument, document_shape, written_shape
from keepwell.store.read.account import access_account_named
from keepwell.store.read.document import access_document, access_documents
from keepwell.web.api.shape import Id, NotFound, Text
from keepwell.web.api.signal import Paged, nothing
from keepwell.web.pages.frame import member_of

router = Router()


class DocumentList(Schema):
    total: int
    documents: list[DocumentShape]


class DocumentQuery(Paged):
    """`account` is a key or an id."""

    account: Text = ""


@router.get("", response={200: DocumentList, 404: NotFound}, summary="Documents, the newest first")
def list_documents(request: HttpRequest, query: Query[DocumentQuery]) -> Status[object]:
    member = member_of(request)
    account = access_account_named(member, query.account) if query.account else None
    if query.account and account is None:
        return nothing()
    rows = access_documents(member, account.pk if account else None)
    page = rows[query.first : query.first + query.size]
    return Status(200, DocumentList(total=rows.count(), documents=[document_shape(one) for one in page]))


@router.get("/{int:document_id}", response={200: WrittenDocument, 404: NotFound}, summary="One document with its words")
def one_document(request: HttpRequest, document_id: Id) -> Status[object]:
    found = access_document(member_of(request), document_id)
    return nothing() if found is None else Status(200, written_shape(found))
