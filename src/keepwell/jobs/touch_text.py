"""Writes the texts that steps asked for: messages to contacts, drafts for tasks and documents, once, from fields.

What lacks a field is not written: the message is suppressed and says which, so that nothing leaves with a hole in it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from keepwell.base.errors import BugError
from keepwell.base.home import Home
from keepwell.jobs.audit import record_act
from keepwell.jobs.text_field import FieldValues, sender_name
from keepwell.jobs.update_rows import update_rows
from keepwell.lake.engine import Engine
from keepwell.playbooks.render import MessageError
from keepwell.store.models import Document, StepRecord, Task, Touch

BY: Final = "worker"
A_TURN: Final = 500
CANNOT_BE_WRITTEN: Final = "cannot_be_written"
_LONGEST_REASON: Final = 300


def do_write_touches(home: Home, engine: Engine, *, now: datetime) -> int:
    """Write what waits for its text; returns how many were written or refused."""
    if not (_drafts().exists() or _wanting().exists() or _unwritten().exists()):
        return 0
    with transaction.atomic():
        touches = list(_drafts().select_for_update(skip_locked=True, of=("self",))[:A_TURN])
        tasks = list(_wanting().select_for_update(skip_locked=True, of=("self",))[:A_TURN])
        documents = list(_unwritten().select_for_update(skip_locked=True, of=("self",))[:A_TURN])
        texts = [(touch.enrolment, touch.template) for touch in touches]
        texts += [(task.enrolment, task.template) for task in tasks if task.enrolment is not None]
        texts += [(document.enrolment, document.template) for document in documents]
        known = FieldValues(home, engine, [record for record, _ in texts], now)
        known.read(texts)
        for touch in touches:
            _write_touch(touch, known)
        for task in tasks:
            _write_task(task, known)
        for document in documents:
            _write_document(document, known)
        _save(touches, tasks, documents, now)
    return len(touches) + len(tasks) + len(documents)


def _drafts() -> QuerySet[Touch]:
    joined = ("enrolment__version", "enrolment__account__owner", "enrolment__contact", "sender")
    return Touch.objects.filter(state="draft").select_related(*joined).order_by("pk")


def _wanting() -> QuerySet[Task]:
    joined = ("enrolment__version", "enrolment__account__owner", "enrolment__contact")
    return Task.objects.filter(written_at=None).exclude(template="").select_related(*joined).order_by("pk")


def _unwritten() -> QuerySet[Document]:
    joined = ("enrolment__version", "enrolment__account__owner", "enrolment__contact")
    return Document.objects.filter(written_at=None).select_related(*joined).order_by("pk")


def _write_touch(touch: Touch, known: FieldValues) -> None:
    try:
        mail = known.rendered(touch.enrolment, touch.template, touch.offers, touch.sender_role, touch.sender)
    except MessageError as error:
        touch.state, touch.reason = "suppressed", " ".join(error.reasons)[:_LONGEST_REASON]
        return
    touch.subject, touch.text, touch.html = mail.subject, mail.text, mail.html
    touch.sender_name = sender_name(touch)
    touch.state = "asked" if touch.approve_by else "todo"


def _write_task(task: Task, known: FieldValues) -> None:
    if task.enrolment is None:
        raise BugError("A task without an enrolment asks for a document.")
    try:
        task.document = known.rendered(task.enrolment, task.template, (), "", None).text
    except MessageError as error:
        task.document = "The draft could not be written: " + " ".join(error.reasons)


def _write_document(document: Document, known: FieldValues) -> None:
    try:
        found = known.document(document.enrolment, document.template)
    except MessageError as error:
        document.refused_because = " ".join(error.reasons)
        return
    document.title, document.text, document.html = found.subject, found.text, found.html
    document.basis = [[told.about, told.basis] for told in known.told(document.enrolment, document.template)]


def _save(touches: Sequence[Touch], tasks: Sequence[Task], documents: Sequence[Document], now: datetime) -> None:
    refused = [touch for touch in touches if touch.state == "suppressed"]
    for touch in refused:
        touch.settled_at = now
    for task in tasks:
        task.written_at = now
    for document in documents:
        document.written_at = now
    columns = ["state", "reason", "subject", "text", "html", "sender_name", "settled_at"]
    update_rows(touches, columns)
    update_rows(tasks, ["document", "written_at"])
    update_rows(documents, ["title", "text", "html", "basis", "refused_because", "written_at"])
    for touch in refused:
        StepRecord.objects.filter(enrolment=touch.enrolment_id, step=touch.step).update(
            state="suppressed", because=CANNOT_BE_WRITTEN
        )
    details = {
        "touches": len(touches),
        "tasks": len(tasks),
        "documents": len(documents),
        "refused": [touch.pk for touch in refused],
    }
    record_act("texts_written", "touches", details, by=BY, now=now)
