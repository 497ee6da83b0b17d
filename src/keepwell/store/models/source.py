"""Sources and keys: who may send events."""

from django.db import models


class Source(models.Model):
    """One system that sends events; an event is its source's name and its message id, for ever.

    `connector` is "http" for whoever holds a key, else the kind of the connector. `secrets` is encrypted.
    """

    name = models.CharField(max_length=200, unique=True)
    connector = models.CharField(max_length=64)
    secrets = models.TextField(blank=True)
    settings = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=320)
    last_event_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A key, of which only a digest is kept. `kind` is ing, srv, red or adm."""

    kind = models.CharField(max_length=3)
    prefix = models.CharField(max_length=16, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    source = models.ForeignKey(Source, null=True, on_delete=models.PROTECT, related_name="keys")
    scopes = models.JSONField(default=list)
    addresses = models.JSONField(default=list)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=320)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    leaked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind}_{self.prefix}"
