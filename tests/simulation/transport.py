"""A mail server that is made up: it says yes, no, later or nothing, and notes what truly arrived."""

import random
from collections import Counter
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keepwell.base.settings import Settings
from keepwell.channels.channel import MailServer
from keepwell.facts.message import Receipt
from keepwell.facts.touch_message import TouchMessage
from keepwell.jobs import deliver_touch
from keepwell.jobs.deliver_touch import Outbox


@dataclass(frozen=True)
class Arrived:
    """What a contact has in the mailbox; `said` is what the sender was told of it."""

    message_id: str
    address: str
    at: datetime
    said: str


@dataclass
class Transport:
    chance: random.Random
    arrived: list[Arrived] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, message: TouchMessage) -> Receipt:
        outcome, does_arrive = self.chance.choices(
            [("sent", True), ("refused", False), ("failed", False), ("unknown", True), ("unknown", False)],
            [86, 6, 2, 3, 3],
        )[0]
        self.counts[outcome] += 1
        if does_arrive:
            self.arrived.append(Arrived(message.message_id, message.address, message.at, outcome))
        return Receipt(outcome, f"made up: {outcome}")  # type: ignore[arg-type]  # one of the words above


class Inline(Executor):
    """Does it here and now, so that a seed gives the same every time."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
            raise
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


class MadeUpOutbox(Outbox):
    """The outbox itself, but for the mail server."""

    def __init__(self, settings: Settings, transport: Transport) -> None:
        super().__init__(settings, wait_s=60)
        self._transport = transport
        self._pool = Inline()  # type: ignore[assignment]  # it does what is asked of the pool

    def _hand_over(self, message: TouchMessage, server: MailServer) -> Receipt:
        receipt = self._transport.take(message)
        deliver_touch.crash_point("outbox: handed over")
        return receipt
