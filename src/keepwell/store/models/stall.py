"""What should have moved and did not, as the auditor found it."""

from django.db import models
from django.db.models import Q


class Stall(models.Model):
    """Work of a kind that waits for too long, since `since`; until `ended_at` it has not moved on."""

    what = models.CharField(max_length=32)
    since = models.DateTimeField()
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["what"], condition=Q(ended_at=None), name="stall_open_once")]


class AuditorLook(models.Model):
    """The last look of the auditor; one row. `heard_at` is when the outside monitor took a heartbeat last,
    `unheard_since` since when it takes none, and `unheard` why."""

    looked_at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True)
    unheard_since = models.DateTimeField(null=True)
    unheard = models.CharField(max_length=300, blank=True)
