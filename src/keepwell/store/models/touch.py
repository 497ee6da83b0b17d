"""Touches: messages to contacts, from the decision of a step to what became of them, and who wants none."""

from django.db import models

from keepwell.store.models.account import Account, Contact
from keepwell.store.models.enrolment import EnrolmentRecord
from keepwell.store.models.member import Member


class Touch(models.Model):
    """One message to one contact, at most once; written out when its step decided it.

    `state` is draft, asked, todo, claimed, sent, failed, unknown or suppressed. A draft has no text yet. One that waits
    for the yes of the role `approve_by` is asked, and todo once it has it; what was refused is todo again, later.
    `due_at` is when it may leave at the earliest, `late_at` from when on it is too late, and `late` what then becomes
    of it. `held_because` says why it waits longer than its step asked, `reason` why it is failed, unknown or
    suppressed. `claim` names the attempt that may confirm it; before `handed_at` it has surely not left. `address` is
    where it went, `sender_name` whom it names as its sender. One that invites to a meeting from `starts_at` until
    `ends_at` says where in `place`; the others have no such moments.
    """

    enrolment = models.ForeignKey(EnrolmentRecord, on_delete=models.CASCADE, related_name="touches")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="touches")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="touches")
    step = models.CharField(max_length=64)
    channel = models.CharField(max_length=64)
    template = models.CharField(max_length=64)
    purpose = models.CharField(max_length=16)
    priority = models.IntegerField()
    sender_role = models.CharField(max_length=64, blank=True)
    sender = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    sender_name = models.CharField(max_length=200, blank=True)
    offers = models.JSONField(default=list)
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    approve_by = models.CharField(max_length=64, blank=True)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=320, blank=True)
    edited_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    late_at = models.DateTimeField()
    late = models.CharField(max_length=8)
    held_because = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=16, default="draft")
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.IntegerField(default=0)
    claim = models.CharField(max_length=64, blank=True)
    claimed_at = models.DateTimeField(null=True)
    handed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    place = models.CharField(max_length=500, blank=True)
    address = models.CharField(max_length=320, blank=True)
    message_id = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "step", "channel"], name="touch_once")]
        indexes = [
            models.Index(fields=["state", "due_at"], name="touch_due"),
            models.Index(fields=["contact", "settled_at"], name="touch_contact"),
            models.Index(fields=["account", "queued_at"], name="touch_account"),
            models.Index(fields=["message_id"], name="touch_message"),
            models.Index(fields=["channel", "state", "settled_at"], name="touch_shown"),
        ]


class OptOut(models.Model):
    """Somebody wants no more messages. `address` is the mail address in small letters, so that it holds whatever
    account names it; `contact` is who said so, where that is known. It holds until `ended_at`.
    """

    address = models.CharField(max_length=320, blank=True)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="opt_outs")
    at = models.DateTimeField()
    way = models.CharField(max_length=16)
    by = models.CharField(max_length=320)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=320, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["address"], name="opt_out_address"),
            models.Index(fields=["contact"], name="opt_out_contact"),
        ]


class Sending(models.Model):
    """Whether messages leave at all; one row. `is_on` is off until somebody turned it on after a test; while
    `is_stopped` nothing is claimed."""

    is_on = models.BooleanField(default=False)
    is_stopped = models.BooleanField(default=False)
    tested_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    changed_by = models.CharField(max_length=320, blank=True)
