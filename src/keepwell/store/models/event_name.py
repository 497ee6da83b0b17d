"""The event names the log has seen."""

from django.db import models


class EventName(models.Model):
    """One event name and the moment the log first knew of an event that means it.

    `first_known_at` decides whether a count of nothing is a zero or a missing value. Where a mapping moved it, it holds
    from mapping `mapping` on, and `known_before` holds for a log that was derived by an earlier one.
    """

    name = models.CharField(max_length=512, unique=True)
    first_known_at = models.DateTimeField()
    mapping = models.PositiveIntegerField(default=0)
    known_before = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
