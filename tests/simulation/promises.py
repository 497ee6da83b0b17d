"""What must hold after every turn of a simulation, whatever has happened."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Count

from keepwell.store.models import EnrolmentRecord, StepRecord, Touch
from tests.simulation.world import TURN, World

WEEK: Final = timedelta(days=7)
MORNING: Final = time(8)
EVENING: Final = time(20)


class Promises:
    """Remembers how far it has looked, so that a turn costs what the turn brought."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen = 0
        self._counts: Counter[str] = Counter()
        self._at: dict[str, list[datetime]] = defaultdict(list)
        self._last_states: dict[int, str] = {}

    def broken(self) -> list[str]:
        """A sentence for each promise that the last turn broke."""
        return [*self._arrivals(), *self._states(), *self._steps()]

    def _arrivals(self) -> Iterator[str]:
        world = self._world
        fresh = world.transport.arrived[self._seen :]
        self._seen = len(world.transport.arrived)
        touches = {
            touch.message_id: touch
            for touch in Touch.objects.filter(message_id__in=[one.message_id for one in fresh]).select_related(
                "enrolment"
            )
        }
        for one in fresh:
            touch = touches[one.message_id]
            self._counts[one.message_id] += 1
            if self._counts[one.message_id] > 1:
                yield f"P8: {one.message_id} arrived twice"
            told = world.confirmed.get(one.address)
            if told is not None and one.at > told:
                yield f"P9: {one.address} was written to after the opt-out held"
            local = one.at.astimezone(ZoneInfo(str(touch.enrolment.contact_calendar["zone"])))
            if not MORNING <= local.time() < EVENING:
                yield f"quiet hours: {one.message_id} arrived at {local:%H:%M} local time"
            if touch.purpose == "expansion" and self._is_falling(touch, one.at):
                yield f"{one.message_id} sells to a falling account"
            if touch.approved_at is None:
                if touch.approve_by:
                    yield f"{one.message_id} left without a yes"
                times = self._at[one.address]
                times.append(one.at)
                if sum(at > one.at - WEEK for at in times) > 2:
                    yield f"P12: {one.address} got more than two automatic messages in seven days"

    def _is_falling(self, touch: Touch, at: datetime) -> bool:
        grave = touch.account.alerts.filter(severity__in=("critical", "high"), opened_at__lt=at)
        return any(alert.closed_at is None or alert.closed_at > at for alert in grave)

    def _states(self) -> Iterator[str]:
        """What has come to its end stays there, and nothing stays claimed."""
        ends = {"sent", "failed", "unknown", "suppressed"}
        now = dict(Touch.objects.values_list("pk", "state"))
        for pk, state in self._last_states.items():
            if state in ends and now[pk] != state:
                yield f"touch {pk} went from {state} to {now[pk]}"
        self._last_states = now
        old = self._world.now - 3 * TURN
        if Touch.objects.filter(state="claimed", claimed_at__lt=old).exists():
            yield "a message stays claimed"

    def _steps(self) -> Iterator[str]:
        """P10 and P12: nothing is overdue, nothing is done twice, one enrolment of a playbook at a time."""
        if EnrolmentRecord.objects.filter(finished_at=None, due_at__lt=self._world.now - 3 * TURN).exists():
            yield "P10: a step is overdue"
        if EnrolmentRecord.objects.filter(finished_at__isnull=False, due_at__isnull=False).exists():
            yield "an enrolment is over and still waits"
        rows = EnrolmentRecord.objects.filter(finished_at=None).order_by().values("account", "playbook")
        if rows.annotate(count=Count("pk")).filter(count__gt=1).exists():
            yield "P12: a playbook runs twice at an account"


def stories() -> Counter[str]:
    """What happened in the home, for the counters of what must happen sometimes."""
    found: Counter[str] = Counter()
    for state, count in Touch.objects.order_by().values_list("state").annotate(count=Count("pk")):
        found[f"touch {state}"] += count
    for because, count in (
        EnrolmentRecord.objects.order_by().values_list("finished_because").annotate(count=Count("pk"))
    ):
        found[f"ended: {because or 'open'}"] += count
    for reason, count in Touch.objects.exclude(reason="").order_by().values_list("reason").annotate(count=Count("pk")):
        found[f"reason: {reason}"] += count
    for held, count in (
        Touch.objects.exclude(held_because="").order_by().values_list("held_because").annotate(count=Count("pk"))
    ):
        found[f"held: {held}"] += count
    for state, count in StepRecord.objects.order_by().values_list("state").annotate(count=Count("pk")):
        found[f"step {state}"] += count
    return found
