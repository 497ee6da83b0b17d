"""Health scores: the history, one row per account, model and moment."""

from django.db import models

from keepwell.store.models.account import Account
from keepwell.store.models.package import ModelVersion


class ScoreRecord(models.Model):
    """What an account scored as of a moment.

    `nano_points` is the exact score in 1e-9 points, null when no measure had data. `band` is the band
    held after hysteresis, "" for unknown; `raw_band` is the band the score lies in; `band_before` is the band
    that was left for `band`, "" where that is not known. `occasion` is why it was made: "asked" by a run over all
    accounts or by somebody, "news" of the account, or "age" of its score.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="scores")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="scores")
    as_of = models.DateTimeField()
    nano_points = models.BigIntegerField(null=True)
    coverage = models.FloatField()
    raw_band = models.CharField(max_length=64, blank=True)
    band = models.CharField(max_length=64, blank=True)
    band_before = models.CharField(max_length=64, blank=True)
    band_since = models.DateTimeField(null=True)
    pending_since = models.DateTimeField(null=True)
    trend = models.CharField(max_length=16, blank=True)
    trend_nano = models.BigIntegerField(null=True)
    measures = models.JSONField(default=list)
    occasion = models.CharField(max_length=8, default="asked")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "version", "as_of"], name="score_once")]
        indexes = [models.Index(fields=["version", "as_of"], name="score_version_as_of")]


class CurrentScore(models.Model):
    """The newest record of each account under each health model, for lists and filters."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="current_scores")
    model = models.CharField(max_length=129)
    record = models.OneToOneField(ScoreRecord, on_delete=models.CASCADE, related_name="current")
    nano_points = models.BigIntegerField(null=True)
    band = models.CharField(max_length=64, blank=True)
    reasons = models.JSONField(default=list)
    strengths = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "model"], name="current_score_once")]
        indexes = [models.Index(fields=["model", "band", "nano_points"], name="current_score_band")]
