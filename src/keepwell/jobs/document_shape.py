"""Documents as programs read them. Moments are in UTC."""

from collections.abc import Sequence
from datetime import datetime

from keepwell.jobs.alert_shape import AccountOfSignal, PublicShape, account_of
from keepwell.store.models import Document


class BasisShape(PublicShape):
    """What a number is, and what it rests on: sample, period, assumption."""

    about: str
    rests_on: str


class DocumentShape(PublicShape):
    """`as_of` is null while it is being written; `refused_because` says why it has no text, "" otherwise."""

    id: int
    account: AccountOfSignal
    enrolment: int
    step: str
    task: int | None
    template: str
    title: str
    as_of: datetime | None
    model: str
    version: int
    is_shared: bool
    created_at: datetime
    refused_because: str


class WrittenDocument(DocumentShape):
    """One document with its words; `html` has paragraphs, headings and lists, and loads nothing."""

    text: str
    html: str
    basis: Sequence[BasisShape]


def document_shape(document: Document) -> DocumentShape:
    return DocumentShape(
        id=document.pk,
        account=account_of(document.account),
        enrolment=document.enrolment_id,
        step=document.step,
        task=document.task_id,
        template=document.template,
        title=document.title,
        as_of=document.written_at,
        model=document.version.model,
        version=document.version.number,
        is_shared=document.is_shared,
        created_at=document.created_at,
        refused_because=document.refused_because,
    )


def written_shape(document: Document) -> WrittenDocument:
    basis = [BasisShape(about=about, rests_on=rests_on) for about, rests_on in document.basis]
    told = document_shape(document).model_dump()
    return WrittenDocument(**told, text=document.text, html=document.html, basis=basis)
