"""The event names the log has seen."""

from django.db import models


class EventName(models.Model):
    """One event name and the moment the log first knew of it.

    `first_known_at` decides whether a count of nothing is a zero or a missing value.
    """

    name = models.CharField(max_length=512, unique=True)
    first_known_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
