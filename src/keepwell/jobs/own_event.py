"""Events about what we did ourselves, which metrics read like all others."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from keepwell.base.instant import microseconds
from keepwell.facts.inbound import Inbound, Reading
from keepwell.jobs.inbox import Arrival, do_write_arrival
from keepwell.store.models import Source, Touch

OWN: Final = "own"
NAME: Final = "keepwell"


def do_keep_own_events(touches: Sequence[Touch], *, now: datetime) -> None:
    """Keep a `touch_sent` for each of these touches, with accounts and contacts at hand. In a transaction."""
    source, _ = Source.objects.get_or_create(
        name=NAME, defaults={"connector": OWN, "created_at": now, "created_by": "keepwell"}
    )
    events = [
        Inbound(
            message_id=f"touch:{touch.pk}",
            name="touch_sent",
            at=microseconds(now),
            account=touch.account.key,
            contact=touch.contact.key if touch.contact is not None else None,
            props=msgspec.json.encode({"channel": touch.channel, "topic": touch.purpose}).decode(),
        )
        for touch in touches
    ]
    do_write_arrival(Arrival(source.pk, 0, now, OWN, Reading(events=events)))
