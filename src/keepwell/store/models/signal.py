"""Signals: alerts, opportunities and milestones, and what the rules remember between two looks."""

from django.db import models
from django.db.models import Q

from keepwell.store.models.account import Account
from keepwell.store.models.member import Member
from keepwell.store.models.package import ModelVersion
from keepwell.store.models.source import Source


class SignalEpisode(models.Model):
    """One rule at one account that holds, or is not to be told again yet; see `keepwell.signals.episode`."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    package = models.CharField(max_length=64)
    noun = models.CharField(max_length=16)
    rule = models.CharField(max_length=64)
    phase = models.CharField(max_length=16)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "package", "noun", "rule"], name="signal_episode_once")
        ]


class AccountLook(models.Model):
    """The last look at an account under the rules of a package, and when time alone calls for the next one.

    `quiet_at` is the last look at which nothing could open, after an import or under a new model version. `import_seal`
    is the newest seal of imports with events of the account that was in the log before the look began, `derivation` the
    newest change of what events mean.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    package = models.CharField(max_length=64)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    looked_at = models.DateTimeField()
    quiet_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    import_seal = models.BigIntegerField(default=0)
    derivation = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "package"], name="account_look_once")]
        indexes = [models.Index(fields=["due_at"], name="account_look_due")]


class ImportedAccount(models.Model):
    """The newest seal of imports that holds events of an account: the first look that knows of it is quiet."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="+")
    seal = models.BigIntegerField(db_index=True)


class Alert(models.Model):
    """A problem at an account, or with a source, that opened and may have closed.

    `happened_at` is when what it tells of happened, `detected_at` when a look first found it to hold, `opened_at` when
    it had held for as long as its policy asks. `closed_by` is "" where it closed by itself. `evidence` holds the
    numbers and events behind it.
    """

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="alerts")
    source = models.ForeignKey(Source, null=True, on_delete=models.CASCADE, related_name="alerts")
    package = models.CharField(max_length=64, blank=True)
    rule = models.CharField(max_length=64)
    version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=16)
    happened_at = models.DateTimeField()
    detected_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    respond_by = models.DateTimeField(null=True)
    is_known_late = models.BooleanField(default=False)
    first_contact_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=320, blank=True)
    assignee = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="alerts")
    snoozed_until = models.DateTimeField(null=True)
    snoozed_evidence = models.CharField(max_length=64, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=320, blank=True)
    close_reason = models.CharField(max_length=16, blank=True)
    note = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "package", "rule"], condition=Q(closed_at=None), name="alert_open_once"
            ),
            models.UniqueConstraint(
                fields=["source", "rule"], condition=Q(closed_at=None, account=None), name="alert_source_open_once"
            ),
        ]
        indexes = [
            models.Index(fields=["closed_at", "opened_at"], name="alert_open"),
            models.Index(fields=["account", "opened_at"], name="alert_account"),
        ]


class Opportunity(models.Model):
    """A chance to grow at an account: one for all its signs. `stage` is open, contacted, won, lost or lapsed.

    `yearly` is money a year in `currency`, null where it is not known. `blocked_because` says why nobody should offer
    anything now, "" where nothing stands against it. `mrr_before` is what the account paid when it opened.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="opportunities")
    package = models.CharField(max_length=64)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=16, default="open")
    urgency = models.CharField(max_length=16)
    yearly = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    basis = models.CharField(max_length=300, blank=True)
    blocked_because = models.CharField(max_length=300, blank=True)
    mrr_before = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    opened_at = models.DateTimeField()
    contacted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=320, blank=True)
    won_yearly = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    note = models.TextField(blank=True)
    assignee = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="opportunities")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "package"], condition=Q(closed_at=None), name="opportunity_open_once"
            )
        ]
        indexes = [models.Index(fields=["closed_at", "opened_at"], name="opportunity_open")]


class OpportunitySign(models.Model):
    """One signal that speaks for an opportunity. `amount` per `per` in `currency`; `confidence` is assumed, 0 to 1."""

    opportunity = models.ForeignKey(Opportunity, on_delete=models.CASCADE, related_name="signs")
    rule = models.CharField(max_length=64)
    type = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    urgency = models.CharField(max_length=16)
    recommend = models.CharField(max_length=64)
    action = models.CharField(max_length=300, blank=True)
    confidence = models.FloatField()
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    per = models.CharField(max_length=8, blank=True)
    yearly = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    basis = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    evidence = models.JSONField(default=dict)


class Milestone(models.Model):
    """A success of an account. `state` is new, celebrated or passed_over; `unwise_because` says why to wait.

    `month` is the first day of the month that an award is for, null for everything else.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="milestones")
    package = models.CharField(max_length=64)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    action = models.CharField(max_length=300, blank=True)
    reached_at = models.DateTimeField()
    month = models.DateField(null=True)
    state = models.CharField(max_length=16, default="new")
    unwise_because = models.CharField(max_length=300, blank=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=320, blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "package", "rule", "month"],
                condition=Q(month__isnull=False),
                name="milestone_award_once",
            )
        ]
        indexes = [models.Index(fields=["state", "reached_at"], name="milestone_state")]
