"""Work that only one process may do at a time."""

from django.db import models


class Claimable(models.Model):
    """A row that a process claims until a moment by the clock of the database; `claimed_by` names the claim."""

    claimed_by = models.CharField(max_length=64, blank=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class NamedClaim(Claimable):
    """Work that is one thing and no row of its own, such as scoring every account under a model."""

    name = models.CharField(max_length=200, unique=True)
