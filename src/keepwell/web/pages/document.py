"""One document about an account: as a page, and as a PDF that says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.marked_text import Block, read_blocks
from keepwell.store.models import Document
from keepwell.store.read.document import access_document
from keepwell.web.document_pdf import PdfPage, document_pdf
from keepwell.web.pages.frame import member_of


@dataclass(frozen=True, slots=True)
class Basis:
    about: str
    rests_on: str


@dataclass(frozen=True, slots=True)
class Context:
    """`blocks` are by kind; items of one list stand together."""

    document: Document
    blocks: Sequence[tuple[str, Sequence[Block]]]
    basis: Sequence[Basis]


@require_safe
def document_page(request: HttpRequest, document_id: int) -> HttpResponse:
    document = _found(request, document_id)
    page = Context(document, grouped(read_blocks(document.html)), _basis(document))
    return render(request, "document.html", {"page": page, "here": "accounts"})


@require_safe
def document_as_pdf(request: HttpRequest, document_id: int) -> HttpResponse:
    document = _found(request, document_id)
    if document.written_at is None or not document.html:
        raise Http404
    version = document.version
    page = PdfPage(
        title=document.title,
        head=(
            str(document.account),
            f"As of {document.written_at:%d %B %Y, %H:%M} UTC".replace(" 0", " "),
            f"Model {version.model}, version {version.number}",
        ),
        blocks=read_blocks(document.html),
        basis=[(one.about, one.rests_on) for one in _basis(document)],
        made_at=document.written_at,
    )
    answer = HttpResponse(document_pdf(page), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="document-{document.pk}.pdf"'
    return answer


def grouped(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """Items that follow each other stand together under the kind `item`; everything else stands alone."""
    found: list[tuple[str, list[Block]]] = []
    for block in blocks:
        if block.kind == "item" and found and found[-1][0] == "item":
            found[-1][1].append(block)
        else:
            found.append((block.kind, [block]))
    return found


def _found(request: HttpRequest, document_id: int) -> Document:
    document = access_document(member_of(request), document_id)
    if document is None:
        raise Http404
    return document


def _basis(document: Document) -> list[Basis]:
    return [Basis(about, rests_on) for about, rests_on in document.basis]
