"""Which accounts the segments of a health model hold."""

from django.db import models

from keepwell.store.models.account import Account


class SegmentAccount(models.Model):
    """An account that was in a segment when it was last scored under the model."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="segments")
    model = models.CharField(max_length=129)
    segment = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "segment", "account"], name="segment_account_once")]
