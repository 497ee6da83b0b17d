"""Whether messages leave, and who may change that."""

from typing import Final, Literal

from keepwell.store.models import Member, Sending
from keepwell.store.read.member import ADMIN_ROLES
from keepwell.store.read.scope import may_act

SendingState = Literal["off", "on", "stopped"]
STATES: Final[tuple[SendingState, ...]] = ("off", "on", "stopped")


def read_sending() -> Sending:
    """As it stands; on a new home nobody has set anything, and it is off."""
    return Sending.objects.first() or Sending()


def sending_state(row: Sending) -> SendingState:
    """A stop counts for more than on and off."""
    if row.is_stopped:
        return "stopped"
    return "on" if row.is_on else "off"


def may_stop_sending(member: Member) -> bool:
    return may_act(member)


def may_set_sending(member: Member) -> bool:
    """Whoever may turn sending on and off, and let it go again after a stop."""
    return member.is_active and member.role in ADMIN_ROLES
