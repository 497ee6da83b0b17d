"""The record of acts."""

from django.db import models


class AuditEntry(models.Model):
    """One act; `hash` chains it to the entry before it."""

    at = models.DateTimeField()
    by = models.CharField(max_length=320)
    act = models.CharField(max_length=100)
    noun = models.CharField(max_length=300)
    details = models.JSONField(default=dict)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        indexes = [models.Index(fields=["act", "at"], name="audit_act_at")]
