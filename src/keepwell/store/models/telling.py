"""What others told us last, thing by thing, and how far we have read what they hold."""

from django.db import models


class Telling(models.Model):
    """What a source told last of one thing, as a digest, and which of its tellings that was.

    The thing is an account told by the API, or an object that was pulled. The same content again has the same `number`
    and `at`, and so the same message ids.
    """

    source = models.BigIntegerField()
    key = models.CharField(max_length=512)
    digest = models.CharField(max_length=64)
    number = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="telling_once")]


class PullPosition(models.Model):
    """How far a resource of a source was pulled: everything before it is durable in the inbox."""

    source = models.BigIntegerField()
    resource = models.CharField(max_length=64)
    position = models.JSONField(default=dict)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "resource"], name="pull_position_once")]
