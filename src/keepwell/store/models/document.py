"""Documents about accounts, written once as of a moment: value reports, roadmaps, benchmarks."""

from django.db import models
from django.db.models import Q

from keepwell.store.models.account import Account
from keepwell.store.models.enrolment import EnrolmentRecord, Task
from keepwell.store.models.package import ModelVersion


class Document(models.Model):
    """`html` holds the few marks that `keepwell.base.marked_text` reads; `basis` is a list of what each number is and
    what it rests on.

    `written_at` is null while it waits for its text, and its numbers are as of then. `refused_because` says why there
    is none, "" otherwise. `version` are the package and the model that it was written by. `is_shared` says that the
    account may have it.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="documents")
    enrolment = models.ForeignKey(EnrolmentRecord, on_delete=models.CASCADE, related_name="documents")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    task = models.OneToOneField(Task, null=True, on_delete=models.SET_NULL, related_name="written")
    step = models.CharField(max_length=64)
    template = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    basis = models.JSONField(default=list)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    written_at = models.DateTimeField(null=True)
    refused_because = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "step"], name="document_once")]
        indexes = [
            models.Index(fields=["account", "created_at"], name="document_account"),
            models.Index(fields=["id"], condition=Q(written_at=None), name="document_unwritten"),
        ]
