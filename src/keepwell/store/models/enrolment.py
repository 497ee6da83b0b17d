"""Enrolments: accounts going through playbooks, with the offers made and the work given on the way."""

from django.db import models
from django.db.models import Q

from keepwell.store.models.account import Account, Contact
from keepwell.store.models.member import Member
from keepwell.store.models.package import ModelVersion


class EnrolmentRecord(models.Model):
    """One account going through one version of a playbook; see `keepwell.playbooks.enrolment`.

    `version` holds the text of the playbook and its templates to the end. `signal_noun`, `signal` and `signal_id` are
    what it started on, `started_by` who started it. The calendars are those of the contact and the team at the start.
    `due_at` is when the next step is due, null after the end.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="enrolments")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="enrolments")
    package = models.CharField(max_length=64)
    playbook = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    signal_noun = models.CharField(max_length=16, blank=True)
    signal = models.CharField(max_length=64, blank=True)
    signal_id = models.BigIntegerField(null=True)
    arm = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=320)
    contact_calendar = models.JSONField(default=dict)
    team_calendar = models.JSONField(default=dict)
    nano_points_at_start = models.BigIntegerField(null=True)
    band_at_start = models.CharField(max_length=64, blank=True)
    replied_at = models.DateTimeField(null=True)
    paths = models.JSONField(default=list)
    due_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    finished_because = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "package", "playbook"], condition=Q(finished_at=None), name="enrolment_open_once"
            ),
            models.CheckConstraint(condition=Q(finished_at=None) | Q(due_at=None), name="enrolment_over_waits_not"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="enrolment_due"),
            models.Index(fields=["account", "started_at"], name="enrolment_account"),
            models.Index(fields=["finished_at", "started_at"], name="enrolment_started"),
        ]


class StepRecord(models.Model):
    """What became of a step: `state` is done, skipped or suppressed. A step without a row is still to come."""

    enrolment = models.ForeignKey(EnrolmentRecord, on_delete=models.CASCADE, related_name="steps")
    step = models.CharField(max_length=64)
    state = models.CharField(max_length=16)
    at = models.DateTimeField()
    because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "step"], name="step_once")]


class OfferRecord(models.Model):
    """An offer that a step made; it stands before `expires_at`, unless it was withdrawn or accepted."""

    enrolment = models.ForeignKey(EnrolmentRecord, on_delete=models.CASCADE, related_name="offers")
    offer = models.CharField(max_length=64)
    step = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.CharField(max_length=320, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "offer"], name="offer_once")]


class Task(models.Model):
    """Work for a member. `assignee` is null where nobody holds `role`; `document` is what was
    written for it from `template`, or by `expert`, at `written_at`.

    `outcome` is one of `keepwell.jobs.task.OUTCOMES`, "" while it is to do.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tasks")
    enrolment = models.ForeignKey(EnrolmentRecord, null=True, on_delete=models.CASCADE, related_name="tasks")
    step = models.CharField(max_length=64, blank=True)
    role = models.CharField(max_length=64)
    assignee = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="tasks")
    title = models.CharField(max_length=300)
    about = models.TextField(blank=True)
    template = models.CharField(max_length=64, blank=True)
    expert = models.CharField(max_length=64, blank=True)
    document = models.TextField(blank=True)
    written_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=320, blank=True)
    outcome = models.CharField(max_length=16, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "step"], name="task_once")]
        indexes = [
            models.Index(fields=["done_at", "due_at"], name="task_due"),
            # The worker asks for these at every busy turn; most tasks have no template and are never written.
            models.Index(fields=["id"], condition=Q(written_at=None) & ~Q(template=""), name="task_unwritten"),
            models.Index(fields=["id"], condition=Q(written_at=None) & ~Q(expert=""), name="task_undiagnosed"),
        ]
