"""Published mappings, and the rules that the rows of the log were derived by."""

from django.db import models


class MappingVersion(models.Model):
    """One immutable published version of the mapping; `text` is the file as it was."""

    number = models.PositiveIntegerField(unique=True)
    digest = models.CharField(max_length=64)
    text = models.TextField()
    note = models.TextField(blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=320)

    def __str__(self) -> str:
        return f"mapping v{self.number}"


class Derivation(models.Model):
    """The rules of a mapping and of the catalogue's aliases then; the log keeps `number` beside the rows.

    `applied_at` is when the log was derived by them, null until then; `is_changed` says whether any row changed.
    """

    number = models.PositiveIntegerField(unique=True)
    mapping = models.ForeignKey(MappingVersion, null=True, on_delete=models.PROTECT, related_name="derivations")
    rules = models.JSONField()
    made_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    is_changed = models.BooleanField(default=False)
