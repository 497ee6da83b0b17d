"""Takes queued notices to their recipients: claim, hand over, confirm; each message at most once.

A claim is committed before anything leaves. If the process dies between claim and confirmation, the lease of the claim
ends and its notices become `unknown`: they are shown, and never sent again by themselves. What a channel clearly
refused is tried again later. Messages are handed over in threads of their own, so that a channel that hangs holds
nobody up: a turn waits a moment for them, and a later turn confirms what took longer.
"""

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, cast

from django.db import transaction
from django.db.models import QuerySet

from keepwell.base.crash_point import crash_point
from keepwell.base.errors import UserError
from keepwell.base.registry import kinds
from keepwell.base.settings import Settings
from keepwell.channels import kinds as channel_kinds
from keepwell.channels.channel import Channel, Means
from keepwell.facts.gathering import WINDOW, Gathered, Past, Waiting, Way, next_messages, one_by_one
from keepwell.facts.message import Message, Outcome, Receipt
from keepwell.facts.notice import Notice, Severity, Subject, Tell
from keepwell.facts.notice_entry import entry_of
from keepwell.facts.notice_text import ToldNotice, subject_and_text
from keepwell.jobs.audit import record_act
from keepwell.jobs.route import is_for_programs, means_of
from keepwell.jobs.secret import open_vault, place_of_route
from keepwell.jobs.update_rows import update_rows
from keepwell.store.models import Notification, NotificationRoute

BY: Final = "worker"
LEASE: Final = timedelta(minutes=2)
WAIT_S: Final = 2.0
PAUSES: Final = tuple(timedelta(minutes=count) for count in (1, 5, 15, 60, 180, 360, 720, 1440))
"""How long a route rests after a message was refused for the first time in a row, the second time, and so on."""
MOST_ATTEMPTS: Final = len(PAUSES) + 1
OVERDUE: Final = "The process ended, or the channel gave no answer; it may have arrived."
_log = logging.getLogger("keepwell.notify")


@dataclass(slots=True)
class Flight:
    """A message on its way; `receipt` is None until the channel is done with it."""

    route: NotificationRoute
    message: Message
    channel: Channel
    target: str
    means: Means
    receipt: Receipt | None = None
    thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        # A thread that hangs must not keep the process from ending.
        self.thread = threading.Thread(target=self._hand_over, name=f"notify-{self.message.id}", daemon=True)
        self.thread.start()

    def _hand_over(self) -> None:
        try:
            receipt = self.channel.send(self.target, self.message, self.means)
        except Exception as error:  # noqa: BLE001
            # A fault of ours. Its text may hold the target, so only its kind is told.
            _log.error("The channel %s failed with %s", self.channel.kind, type(error).__name__)
            receipt = Receipt("unknown", f"Keepwell itself failed ({type(error).__name__}); it may have arrived.")
        crash_point("notify: handed over")
        self.receipt = receipt


class Post:
    """Delivers for one process; it remembers which messages are on their way."""

    def __init__(self, settings: Settings, *, wait_s: float = WAIT_S) -> None:
        self._settings = settings
        self._wait_s = wait_s
        self._flights: list[Flight] = []

    def do_deliver_notifications(self, *, now: datetime) -> Counter[Outcome]:
        """Hand over what is due, and return what became of messages, those of earlier turns included.

        Takes at most `wait_s` seconds besides the database.
        """
        done = self._confirm(now)
        done["unknown"] += _give_up_claims(now)
        routes = NotificationRoute.objects.filter(
            notifications__state="todo", notifications__due_at__lte=now
        ).distinct()
        busy = {flight.route.pk for flight in self._flights}
        for route in routes.exclude(pk__in=busy).order_by("pk"):
            self._flights += self._claimed(route.pk, now)
        for flight in self._flights:
            if flight.thread is None:
                crash_point("notify: claimed")
                flight.start()
        deadline = time.monotonic() + self._wait_s
        for flight in self._flights:
            if flight.thread is not None:
                flight.thread.join(max(0.0, deadline - time.monotonic()))
        return done + self._confirm(now)

    def _claimed(self, route_id: int, now: datetime) -> list[Flight]:
        """Claim what a route is to be sent now. Its row is locked, so two workers cannot claim the same."""
        with transaction.atomic():
            route = NotificationRoute.objects.select_for_update().get(pk=route_id)
            waiting = Notification.objects.filter(route=route, state="todo")
            if route.removed_at is not None or (route.member is not None and not route.member.is_active):
                waiting.update(state="suppressed", reason="The route or its member is gone.", settled_at=now)
                return []
            is_busy = Notification.objects.filter(route=route, state="claimed").exists()
            if is_busy or (route.paused_until is not None and route.paused_until > now):
                return []
            rows = {row.pk: row for row in waiting.filter(due_at__lte=now)}
            due = map(_waiting, rows.values())
            planned = one_by_one(due) if is_for_programs(route) else next_messages(due, _past(route, now), now=now)
            return [
                flight
                for one in planned
                if (flight := self._claim(route, one, [rows[pk] for pk in one.ids], now)) is not None
            ]

    def _claim(
        self, route: NotificationRoute, planned: Gathered, rows: Sequence[Notification], now: datetime
    ) -> Flight | None:
        means = means_of(self._settings)
        pages, told = self._settings.pages, [_told(row) for row in rows]
        subject, text = subject_and_text(told, pages=pages, zone=self._settings.calendar_zone)
        entries = [
            entry_of(one.notice, queued_at=row.queued_at, pages=pages) for one, row in zip(told, rows, strict=True)
        ]
        message = Message(_same_id(route, rows) or secrets.token_hex(16), subject, text, now, tuple(entries))
        claim = {"message_id": message.id, "way": planned.way, "claimed_at": now, "lease_until": now + LEASE}
        claimed = Notification.objects.filter(pk__in=planned.ids, state="todo")
        for row in rows:
            row.attempts += 1
        update_rows(rows, ["attempts"])
        claimed.update(state="claimed", reason="", **claim)
        known = kinds(channel_kinds, Channel)
        try:
            if route.channel not in known:
                raise UserError(f"There is no channel {route.channel!r} in this version of Keepwell.")
            target = open_vault(self._settings).decrypt(route.target, place_of_route(route.pk))
        except UserError as error:
            _settle(route, message.id, Receipt("failed", str(error)), now)
            return None
        return Flight(route, message, known[route.channel](), target, means)

    def _confirm(self, now: datetime) -> Counter[Outcome]:
        done: Counter[Outcome] = Counter()
        flying = []
        for flight in self._flights:
            if flight.receipt is None:
                flying.append(flight)
                continue
            with transaction.atomic():
                _settle(flight.route, flight.message.id, flight.receipt, now)
            done[flight.receipt.outcome] += 1
        # What never comes back is no longer waited for once its claim is over.
        self._flights = [flight for flight in flying if now - flight.message.at < LEASE]
        return done


def _give_up_claims(now: datetime) -> int:
    """Claims whose lease is over become unknown, and their routes rest; returns how many messages that were."""
    overdue = Notification.objects.filter(state="claimed", lease_until__lte=now)
    messages = list(overdue.values_list("route", "message_id").distinct())
    for route_id, message_id in messages:
        with transaction.atomic():
            route = NotificationRoute.objects.select_for_update().get(pk=route_id)
            _settle(route, message_id, Receipt("unknown", OVERDUE), now)
    return len(messages)


def _settle(route: NotificationRoute, message_id: str, receipt: Receipt, now: datetime) -> None:
    """Write what became of a message. A claim that is over already is not put back into the queue."""
    rows = Notification.objects.filter(message_id=message_id, state="claimed")
    count = rows.count()
    if not count:
        return
    if receipt.outcome == "refused":
        _put_back(rows, receipt, now)
    else:
        rows.update(state=receipt.outcome, reason=receipt.detail[:300], settled_at=now, lease_until=None)
    arrived = receipt.outcome in ("sent", "failed")
    refusals = 0 if arrived else min(route.refusals + 1, len(PAUSES))
    NotificationRoute.objects.filter(pk=route.pk).update(
        refusals=refusals, paused_until=None if arrived else now + PAUSES[refusals - 1]
    )
    details = {"message": message_id, "notices": count, "outcome": receipt.outcome, "detail": receipt.detail}
    record_act("notify_member", f"route:{route.pk}", details, by=BY, now=now)


def _put_back(rows: "QuerySet[Notification]", receipt: Receipt, now: datetime) -> None:
    """Into the queue, to be gathered anew when the route has rested; what was tried too often has failed."""
    reason = receipt.detail[:300]
    rows.filter(attempts__gte=MOST_ATTEMPTS).update(
        state="failed", reason=f"Given up after {MOST_ATTEMPTS} attempts. {reason}"[:300], settled_at=now
    )
    rows.update(state="todo", reason=reason, way="", claimed_at=None, lease_until=None)


def _same_id(route: NotificationRoute, rows: Sequence[Notification]) -> str:
    """The id under which just these notices were tried before, or ""."""
    ids = {row.message_id for row in rows}
    known = ids.pop() if len(ids) == 1 else ""
    is_same = known and Notification.objects.filter(route=route, message_id=known).count() == len(rows)
    return known if is_same else ""


def _past(route: NotificationRoute, now: datetime) -> list[Past]:
    """Messages of the last ten minutes that arrived, or may have."""
    rows = Notification.objects.filter(
        route=route, claimed_at__gt=now - WINDOW, state__in=("claimed", "sent", "unknown")
    )
    messages = rows.values_list("message_id", "way", "claimed_at").distinct()
    return [Past(cast("Way", way), at) for _, way, at in messages if at is not None]


def _waiting(row: Notification) -> Waiting:
    return Waiting(row.pk, cast("Severity", row.severity), cast("Tell", row.tell), row.queued_at, row.due_at)


def _told(row: Notification) -> ToldNotice:
    notice = Notice(
        subject=cast("Subject", row.subject),
        subject_id=row.subject_id,
        account_name=row.account_name,
        title=row.title,
        sentence=row.sentence,
        severity=cast("Severity", row.severity),
        roles=tuple(row.roles),
        link=row.link,
        tell=cast("Tell", row.tell),
        happened_at=row.happened_at,
        respond_by=row.respond_by,
        account_key=row.account_key,
        event=row.event,
        data=row.data,
    )
    return ToldNotice(notice, tuple(row.roles), tuple(row.empty_roles))
