"""Takes messages to contacts: one voice decides as it claims them, then they are handed over and confirmed.

Each message leaves at most once. What may leave is decided and claimed in one transaction that has the contacts
locked, as an opt-out has; right before a message is handed over its claim and the opt-out are asked for once more, so
that a process which slept in between sends nothing. A claim whose lease is over becomes `unknown`: it is shown, and
never sent again by itself.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from keepwell.base.crash_point import crash_point
from keepwell.base.errors import BugError
from keepwell.base.settings import Settings
from keepwell.channels.channel import MailServer
from keepwell.channels.contact_mail import ContactMail
from keepwell.facts.message import Receipt
from keepwell.facts.touch_message import TouchMessage
from keepwell.jobs.arbitration import HELD_BACK, do_judge_touches, do_settle_steps
from keepwell.jobs.audit import record_act
from keepwell.jobs.enrolment_effect import MAIL
from keepwell.jobs.opt_out import unsubscribe_link
from keepwell.jobs.own_event import do_keep_own_events
from keepwell.jobs.route import means_of
from keepwell.jobs.touch_meeting import meeting_of
from keepwell.jobs.update_rows import update_rows
from keepwell.store.claim import new_claim
from keepwell.store.listed import listed
from keepwell.store.models import Sending, Touch
from keepwell.store.read.opt_out import opted_out_contacts
from keepwell.store.read.sending import read_sending

BY: Final = "worker"
LEASE: Final = timedelta(minutes=2)
WAIT_S: Final = 2.0
HANDS: Final = 16
# So few that all of them are handed over long before the lease is over.
CLAIMED_AT_ONCE: Final = 200
PAUSES: Final = tuple(timedelta(minutes=count) for count in (1, 5, 15, 60, 180, 360, 720, 1440, 1440))
"""How long a message rests after it was refused for the first time, the second time, and so on: three days in all."""
OVERDUE: Final = "The process ended, or the mail server gave no answer; it may have arrived."
_log = logging.getLogger("keepwell.outbox")


@dataclass(frozen=True, slots=True)
class _Flight:
    touch: int
    claim: str
    future: "Future[Receipt]"


class Outbox:
    """Delivers for one process; it remembers which messages are on their way."""

    def __init__(self, settings: Settings, *, wait_s: float = WAIT_S, lease: timedelta = LEASE) -> None:
        self._settings = settings
        self._wait_s = wait_s
        self._lease = lease
        self._claimed: deque[Touch] = deque()
        self._flights: list[_Flight] = []
        self._pool: ThreadPoolExecutor | None = None
        self._free: SimpleQueue[ContactMail] = SimpleQueue()

    def do_deliver_touches(self, *, now: datetime) -> Counter[str]:
        """Decide what is due and hand over what may leave; returns what became of messages, by their new state.

        Takes at most `wait_s` seconds besides the database; a later call goes on with what took longer.
        """
        done = self._confirm(now)
        if not self._claimed and not self._flights and not _is_anything_due(now):
            return done
        done.update(_give_up_claims(now))
        sending = read_sending()
        if sending.is_stopped:
            return done
        if not self._claimed:
            self._claimed += self._claim(sending, done, now)
        deadline = time.monotonic() + self._wait_s
        while self._claimed or self._flights:
            if self._claimed and len(self._flights) < HANDS:
                self._start(
                    [self._claimed.popleft() for _ in range(min(HANDS - len(self._flights), len(self._claimed)))], now
                )
            left = deadline - time.monotonic()
            if left <= 0:
                break
            wait([flight.future for flight in self._flights], left, return_when=FIRST_COMPLETED)
            done += self._confirm(now)
        if not self._flights:
            self._hang_up()
        return done

    def close(self, *, now: datetime) -> None:
        """Wait a moment for what is on its way, and let go of what has not left."""
        wait([flight.future for flight in self._flights], self._wait_s)
        self._confirm(now)
        ids = [touch.pk for touch in self._claimed]
        waiting = Touch.objects.filter(pk__in=listed(ids), state="claimed", handed_at=None)
        waiting.update(state="todo", claim="", lease_until=None)
        self._claimed.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=not self._flights, cancel_futures=True)
        self._hang_up()

    def _claim(self, sending: Sending, done: Counter[str], now: datetime) -> list[Touch]:
        is_on = sending.is_on and means_of(self._settings).mail_server is not None
        with transaction.atomic():
            leaving = do_judge_touches(CLAIMED_AT_ONCE, is_on=is_on, now=now)
            done.update(leaving.states)
            claim = new_claim()
            for touch in leaving.mails:
                touch.state, touch.held_because, touch.reason = "claimed", "", ""
                touch.claim, touch.claimed_at, touch.handed_at = claim, now, None
                touch.message_id = message_id(touch, self._server())
            columns = ["state", "held_because", "reason", "claim", "claimed_at", "handed_at", "message_id", "address"]
            update_rows(leaving.mails, columns)
            chosen = Touch.objects.filter(pk__in=listed(touch.pk for touch in leaving.mails))
            chosen.update(lease_until=Now() + self._lease)
        crash_point("outbox: claimed")
        return leaving.mails

    def _start(self, touches: Sequence[Touch], now: datetime) -> None:
        """Ask once more, and hand over what may still leave."""
        leaving = _still_leaving(touches, now)
        crash_point("outbox: asked again")
        server = self._server()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(HANDS, thread_name_prefix="outbox")
        earlier = _earlier(leaving)
        for touch in leaving:
            message = _message(touch, earlier[touch.enrolment_id], self._settings.pages, now)
            self._flights.append(_Flight(touch.pk, touch.claim, self._pool.submit(self._hand_over, message, server)))

    def _server(self) -> MailServer:
        server = means_of(self._settings).mail_server
        if server is None:
            raise BugError("A message was let go without a mail server.")
        return server

    def _hand_over(self, message: TouchMessage, server: MailServer) -> Receipt:
        try:
            mail = self._free.get_nowait()
        except Empty:
            mail = ContactMail(server)
        try:
            receipt = mail.send(message)
        except Exception as error:  # noqa: BLE001
            # A fault of ours. Its text may hold an address, so only its kind is told.
            _log.error("Handing over a message failed with %s", type(error).__name__)
            receipt = Receipt("unknown", f"Keepwell itself failed ({type(error).__name__}); it may have arrived.")
        self._free.put(mail)
        crash_point("outbox: handed over")
        return receipt

    def _hang_up(self) -> None:
        """Keep no link while there is nothing to say; the server would end it sooner or later."""
        with suppress(Empty):
            while True:
                self._free.get_nowait().close()

    def _confirm(self, now: datetime) -> Counter[str]:
        over = [flight for flight in self._flights if flight.future.done()]
        if not over:
            return Counter()
        self._flights = [flight for flight in self._flights if flight not in over]
        with transaction.atomic():
            done = _settle({flight.touch: flight for flight in over}, now)
        crash_point("outbox: confirmed")
        return done


def _is_anything_due(now: datetime) -> bool:
    """One question, so that an outbox with nothing to do costs next to nothing."""
    over = Q(state="claimed", lease_until__lte=Now())
    return Touch.objects.filter(Q(state="todo", due_at__lte=now) | over).exists()


def message_id(touch: Touch, server: MailServer) -> str:
    """The same for the same message, however often it is tried."""
    return f"{touch.pk}.{touch.enrolment_id}.touch@{server.sender.rpartition('@')[2]}"


def _still_leaving(touches: Sequence[Touch], now: datetime) -> list[Touch]:
    """Those whose claim stands and whose contact has not said no since; from now on they may have left."""
    claims = {touch.pk: touch.claim for touch in touches}
    with transaction.atomic():
        rows = Touch.objects.filter(pk__in=listed(claims), state="claimed", lease_until__gt=Now())
        standing = [row.pk for row in rows.order_by("pk").select_for_update() if row.claim == claims[row.pk]]
        kept = Touch.objects.filter(pk__in=listed(standing))
        if read_sending().is_stopped:
            kept.update(state="todo", claim="", lease_until=None)
            return []
        opted_out = opted_out_contacts([touch.contact_id for touch in touches if touch.contact_id is not None])
        refused = [touch.pk for touch in touches if touch.pk in standing and touch.contact_id in opted_out]
        if refused:
            gone = Touch.objects.filter(pk__in=listed(refused))
            gone.update(state="suppressed", reason=HELD_BACK["opted_out"], settled_at=now, lease_until=None)
            do_settle_steps(list(gone), now=now)
        leaving = [touch for touch in touches if touch.pk in standing and touch.pk not in refused]
        handed = Touch.objects.filter(pk__in=listed(touch.pk for touch in leaving))
        handed.update(handed_at=now, attempts=F("attempts") + 1)
    return leaving


def _earlier(touches: Sequence[Touch]) -> dict[int, tuple[str, ...]]:
    """By enrolment, the ids of the mails that went before, oldest first."""
    found: dict[int, tuple[str, ...]] = {touch.enrolment_id: () for touch in touches}
    rows = Touch.objects.filter(enrolment__in=found, channel=MAIL, state="sent").order_by("settled_at", "pk")
    for enrolment, name in rows.values_list("enrolment_id", "message_id"):
        found[enrolment] = (*found[enrolment], name)
    return found


def _message(touch: Touch, earlier: tuple[str, ...], pages: str, now: datetime) -> TouchMessage:
    if touch.contact is None:
        raise BugError("A message was let go without a contact.")
    return TouchMessage(
        message_id=touch.message_id,
        address=touch.address,
        name=touch.contact.name,
        sender=touch.sender_name,
        reply_to="",
        subject=touch.subject,
        text=touch.text,
        html=touch.html,
        unsubscribe=unsubscribe_link(pages, touch.contact.pk),
        earlier=earlier,
        at=now,
        meeting=meeting_of(touch),
    )


def _give_up_claims(now: datetime) -> Counter[str]:
    """Claims whose lease is over: what surely did not leave waits again, the rest is unknown."""
    done: Counter[str] = Counter()
    if not Touch.objects.filter(state="claimed", lease_until__lte=Now()).exists():
        return done
    with transaction.atomic():
        overdue = Touch.objects.filter(state="claimed", lease_until__lte=Now()).order_by("pk")
        rows = list(overdue.select_for_update().values_list("pk", "handed_at"))
        kept = Touch.objects.filter(pk__in=listed(pk for pk, handed_at in rows if handed_at is None))
        kept.update(state="todo", claim="", lease_until=None)
        lost = [pk for pk, handed_at in rows if handed_at is not None]
        if lost:
            given_up = Touch.objects.filter(pk__in=listed(lost))
            given_up.update(state="unknown", reason=OVERDUE, settled_at=now, lease_until=None)
            record_act("touches_unknown", "touches", {"touches": lost}, by=BY, now=now)
            done["unknown"] = len(lost)
    return done


def _settle(flights: Mapping[int, _Flight], now: datetime) -> Counter[str]:
    """Write what became of messages; a claim that is over already stays as it is."""
    rows = Touch.objects.filter(pk__in=listed(flights), state="claimed").select_related("account", "contact")
    touches = list(rows.order_by("pk").select_for_update(of=("self",)))
    own = [touch for touch in touches if touch.claim == flights[touch.pk].claim]
    told: dict[str, list[str]] = {}
    for touch in own:
        receipt = flights[touch.pk].future.result()
        touch.lease_until, touch.reason = None, receipt.detail[:300]
        if receipt.outcome == "refused" and touch.attempts <= len(PAUSES):
            touch.state, touch.due_at = "todo", now + PAUSES[touch.attempts - 1]
            touch.held_because = touch.reason
        else:
            touch.state = "failed" if receipt.outcome == "refused" else receipt.outcome
            touch.settled_at = now
        told[str(touch.pk)] = [receipt.outcome, receipt.detail]
    update_rows(own, ["lease_until", "reason", "state", "due_at", "held_because", "settled_at"])
    sent = [touch for touch in own if touch.state == "sent"]
    if sent:
        do_keep_own_events(sent, now=now)
    if own:
        record_act("touches_handed_over", "touches", {"outcomes": told}, by=BY, now=now)
    return Counter(outcome for outcome, _ in told.values())
