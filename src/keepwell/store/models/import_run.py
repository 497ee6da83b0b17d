"""Imports of files: what was taken and what was not."""

from django.db import models


class ImportRun(models.Model):
    """One run of `keepwell import`; received = accepted + duplicate + conflict + rejected."""

    source = models.CharField(max_length=200)
    file_name = models.CharField(max_length=1000)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    received = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    conflict = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    rejects_file = models.CharField(max_length=1000, blank=True)
    findings = models.JSONField(default=list)
