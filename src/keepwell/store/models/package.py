"""Published health models."""

from django.db import models


class ModelVersion(models.Model):
    """One immutable published version of a health model.

    `model` is `<package>/<model>`; `text` holds the package's files as they were, keyed by file name.
    """

    model = models.CharField(max_length=129)
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    text = models.JSONField()
    note = models.TextField(blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=320)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="model_version_once")]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"
