"""How members are told: their routes, the roles they hold, and each notice to each of them."""

from django.db import models


class NotificationRoute(models.Model):
    """One way to tell a member, or a team where `member` is null. `target` is encrypted, `shown` is safe to show.

    It takes notices from `severity` on, in `roles` only if there are any. A removed route has no target any more.
    `refusals` counts messages that were refused since the last one that arrived; until `paused_until` none is tried.
    """

    member = models.ForeignKey("store.Member", null=True, on_delete=models.CASCADE, related_name="routes")
    team = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=64)
    target = models.TextField(blank=True)
    shown = models.CharField(max_length=320)
    severity = models.CharField(max_length=16)
    roles = models.JSONField(default=list)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=320)
    removed_at = models.DateTimeField(null=True)
    refusals = models.IntegerField(default=0)
    paused_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.channel} to {self.shown}"


class RoleHolder(models.Model):
    """A member that holds a role of the packages, such as ceo."""

    role = models.CharField(max_length=64)
    member = models.ForeignKey("store.Member", on_delete=models.CASCADE, related_name="held_roles")
    assigned_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "member"], name="role_held_once")]


class Notification(models.Model):
    """One notice to one recipient. `route` is null where a member has none.

    `state` is todo, claimed, sent, failed, unknown or suppressed; `reason` says why it is one of the last three.
    Notices that went in one message have the same `message_id`, also while they wait for the next try; `way` says which
    rule let it go. `event` and `data` are for programs.
    """

    route = models.ForeignKey(NotificationRoute, null=True, on_delete=models.CASCADE, related_name="notifications")
    member = models.ForeignKey("store.Member", null=True, on_delete=models.SET_NULL, related_name="notifications")
    roles = models.JSONField(default=list)
    empty_roles = models.JSONField(default=list)
    subject = models.CharField(max_length=16)
    subject_id = models.BigIntegerField()
    account_key = models.CharField(max_length=512, blank=True, default="")
    account_name = models.CharField(max_length=512, blank=True)
    event = models.CharField(max_length=100, blank=True, default="")
    data = models.JSONField(default=dict)
    title = models.CharField(max_length=300)
    sentence = models.TextField()
    severity = models.CharField(max_length=16)
    link = models.CharField(max_length=500)
    tell = models.CharField(max_length=16)
    happened_at = models.DateTimeField(null=True)
    respond_by = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=16, default="todo")
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.IntegerField(default=0)
    message_id = models.CharField(max_length=32, blank=True)
    way = models.CharField(max_length=16, blank=True)
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["route", "subject", "subject_id"], name="notified_once"),
            models.UniqueConstraint(
                fields=["member", "subject", "subject_id"], condition=models.Q(route=None), name="unrouted_once"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="notification_due"),
            models.Index(fields=["route", "claimed_at"], name="notification_past"),
            models.Index(fields=["subject", "subject_id"], name="notification_subject"),
        ]
