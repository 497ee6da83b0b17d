"""The auditor: looks once a minute whether everything moved that was to move.

What did not is kept as a stall, and owners and admins are told. While nothing stalls, an outside monitor is given a
heartbeat: it rings when none comes, so also when this process hangs or is gone. If the monitor cannot be reached, that
is a stall of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.facts.message import Receipt
from keepwell.facts.notice import ADMIN, Notice
from keepwell.jobs.audit import record_act
from keepwell.jobs.notify import do_queue_notifications, do_suppress_notifications
from keepwell.jobs.stall import WORKS, stalled
from keepwell.store.models import AuditorLook, Stall

BY: Final = "auditor"
AUDITED_EVERY: Final = timedelta(minutes=1)
# One lost request is no reason to wake anybody.
UNHEARD_AFTER: Final = timedelta(minutes=3)
MONITOR: Final = "monitor"
TITLES: Final[Mapping[str, str]] = {work.what: work.title for work in WORKS} | {
    MONITOR: "The outside monitor cannot be reached"
}
LINKS: Final[Mapping[str, str]] = {work.what: work.link for work in WORKS} | {MONITOR: "/"}


@dataclass(frozen=True, slots=True)
class Looked:
    """What stalls, each kind with the moment since when; and whether a heartbeat was taken."""

    stalls: Mapping[str, datetime]
    was_heard: bool


class Auditor:
    """The looks of one process. `beat` gives the outside monitor a heartbeat; without it there is none."""

    def __init__(self, calendar: Calendar, beat: Callable[[], Receipt] | None) -> None:
        self._calendar = calendar
        self._beat = beat

    def do_audit(self, *, now: datetime) -> Looked:
        """Look, tell of what is new, and give a heartbeat if nothing stalls."""
        found = stalled(now=now)
        # Outside the transaction: a monitor that answers slowly must hold nothing up.
        receipt = self._beat() if self._beat is not None and not found else None
        with transaction.atomic():
            audit = AuditorLook.objects.select_for_update().first() or AuditorLook()
            audit.looked_at = now
            if receipt is not None and receipt.outcome == "sent":
                audit.heard_at, audit.unheard_since, audit.unheard = now, None, ""
            elif receipt is not None:
                audit.unheard_since, audit.unheard = audit.unheard_since or now, receipt.detail[:300]
            audit.save()
            since = audit.unheard_since
            if self._beat is not None and since is not None and now - since > UNHEARD_AFTER:
                found[MONITOR] = since
            self._keep(found, now)
        return Looked(found, receipt is not None and receipt.outcome == "sent")

    def _keep(self, found: Mapping[str, datetime], now: datetime) -> None:
        open_stalls = {stall.what: stall for stall in Stall.objects.filter(ended_at=None)}
        over = [stall for what, stall in open_stalls.items() if what not in found]
        for stall in over:
            stall.ended_at = now
            stall.save(update_fields=["ended_at"])
            record_act("stall_ended", f"stall:{stall.pk}", {"what": stall.what}, by=BY, now=now)
        if over:
            ids = [stall.pk for stall in over]
            do_suppress_notifications("stall", ids, "It moves again.", by=BY, now=now)
        fresh = [
            Stall.objects.create(what=what, since=since, found_at=now)
            for what, since in found.items()
            if what not in open_stalls
        ]
        for stall in fresh:
            record_act("stall_found", f"stall:{stall.pk}", {"what": stall.what}, by=BY, now=now)
        do_queue_notifications([_notice(stall) for stall in fresh], calendar=self._calendar, by=BY, now=now)


def _notice(stall: Stall) -> Notice:
    return Notice(
        subject="stall",
        subject_id=stall.pk,
        account_name="",
        title=TITLES[stall.what],
        sentence=f"{TITLES[stall.what]}, since {stall.since:%Y-%m-%d %H:%M} UTC; 'keepwell doctor' says more.",
        severity="high",
        roles=(ADMIN,),
        link=LINKS[stall.what],
        happened_at=stall.since,
    )
