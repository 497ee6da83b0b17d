"""Accounts and contacts: the integer keys of the log, and projections of the newest known traits.

Every column but the keys is rebuilt from the log; the keys are what log rows refer to and never change.
"""

from django.db import models


class Account(models.Model):
    """A customer organisation."""

    key = models.CharField(max_length=512, unique=True)
    name = models.CharField(max_length=512, blank=True)
    plan = models.CharField(max_length=200, blank=True)
    mrr = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    seats = models.IntegerField(null=True)
    renewal_on = models.DateField(null=True)
    churned_on = models.DateField(null=True)
    owner = models.ForeignKey("store.Member", null=True, on_delete=models.SET_NULL, related_name="accounts")
    traits = models.JSONField(default=dict)
    first_event_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["name"], name="account_name")]

    def __str__(self) -> str:
        return self.name or self.key


class Contact(models.Model):
    """A person at an account; the same key at two accounts is two contacts."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contacts")
    key = models.CharField(max_length=512)
    name = models.CharField(max_length=512, blank=True)
    email = models.CharField(max_length=320, blank=True)
    role = models.CharField(max_length=200, blank=True)
    traits = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="contact_key")]
        indexes = [models.Index(fields=["key"], name="contact_anywhere")]

    def __str__(self) -> str:
        return self.name or self.key
