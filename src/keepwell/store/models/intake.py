"""What came in and is not in the log yet, and the account of everything that came in.

Sources and keys are plain numbers here: a row must be written in microseconds, and outlives its key.
"""

from django.db import models

from keepwell.store.models.account import Account
from keepwell.store.models.claim import Claimable


class InboxBatch(models.Model):
    """The events of one request, durable before it was answered; `body` is a MessagePack list of `Inbound`.

    `hour` is the hour of the ledger that counts them: that of the first receipt, also for events replayed later.
    `is_trusted` is true where a member let events in that their key could not send; else the key says it.
    """

    source = models.BigIntegerField()
    key = models.BigIntegerField(default=0)
    known_at = models.DateTimeField()
    hour = models.DateTimeField()
    events = models.IntegerField()
    body = models.BinaryField()
    is_trusted = models.BooleanField(null=True)


class LedgerCount(models.Model):
    """Events by source, key, hour of receipt and outcome.

    received = accepted + duplicate + conflict + rejected + what waits in the inbox, for every hour. `reason`
    is the code of a rejection, "" else; `key` is 0 where no key was used.
    """

    source = models.BigIntegerField()
    key = models.BigIntegerField(default=0)
    hour = models.DateTimeField()
    outcome = models.CharField(max_length=16)
    reason = models.CharField(max_length=64, blank=True)
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "key", "hour", "outcome", "reason"], name="ledger_count_once")
        ]


class RejectedEvent(models.Model):
    """An event that was not taken, as it came; `replayed_at` says when it was taken after all."""

    source = models.BigIntegerField()
    key = models.BigIntegerField(default=0)
    known_at = models.DateTimeField()
    dialect = models.CharField(max_length=64)
    code = models.CharField(max_length=64)
    sentence = models.TextField()
    message_id = models.CharField(max_length=512, blank=True)
    contact = models.CharField(max_length=512, blank=True)
    body = models.BinaryField()
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["source", "known_at"], name="rejected_source"),
            models.Index(fields=["code", "contact"], name="rejected_code"),
        ]


class SealPlan(models.Model):
    """The seal that is under way: which batches go into the log as which seal, and what becomes of each event.

    Written before the log is touched, so that a seal that was cut off is finished, or done anew, once.
    """

    number = models.BigIntegerField(unique=True)
    batches = models.JSONField()
    outcome = models.BinaryField()


class TouchedAccount(Claimable):
    """An account to be scored, because its score lacks events of the log or has grown old.

    `known_at` is the newest moment at which its news became known, null where it has none: a score as of later than
    this knows all of it. From `first_at` to `last_at` is when the news happened, null where that is not known; `tells`
    says that there may be traits among it. `since` is when the account was touched first, and `is_urgent` says that its
    news may open an alert by itself, or is rarer than plain use.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="+")
    known_at = models.DateTimeField(null=True)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    tells = models.BooleanField(default=True)
    since = models.DateTimeField()
    is_urgent = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["-is_urgent", "since"], name="touched_order")]


class KnownFrom(models.Model):
    """One row: scores as of `moment` are made or being made, so what is sealed now is known then at the earliest."""

    moment = models.DateTimeField()
