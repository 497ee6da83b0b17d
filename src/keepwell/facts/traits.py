"""Which events tell traits of accounts and contacts, and how they fold into a state."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

ACCOUNT_EVENTS: Final = ("account_created", "account_updated", "account_deleted", "subscription_changed")
CONTACT_EVENTS: Final = ("account_added_user", "contact_updated")
ENDING_EVENTS: Final = ("account_deleted", "subscription_changed")
ENDED: Final = ("cancelled", "canceled", "churned", "expired")


@dataclass(frozen=True, slots=True)
class TraitEvent:
    """One event that tells traits; `props` is what it told."""

    account: int
    contact: int | None
    name: str
    at: datetime
    known_at: datetime
    props: Mapping[str, object]


@dataclass(slots=True)
class AccountState:
    """What is known of an account: every trait told so far, and when its subscription ended, if it has."""

    traits: dict[str, object] = field(default_factory=dict)
    churned_at: datetime | None = None


def fold_accounts(events: Iterable[TraitEvent]) -> dict[int, AccountState]:
    """State of each account; events must come in the order of their times.

    An event changes only the traits it tells. A subscription that is told again after its end has come back.
    """
    found: dict[int, AccountState] = {}
    for event in events:
        state = found.setdefault(event.account, AccountState())
        state.traits.update({name: value for name, value in event.props.items() if value is not None})
        if event.name == "account_deleted" or _ends(event):
            state.churned_at = state.churned_at or event.at
        elif event.name == "subscription_changed":
            state.churned_at = None
    return found


def ended_accounts(events: Iterable[TraitEvent], before: datetime) -> set[int]:
    """Accounts whose subscription had ended before a moment, from `ENDING_EVENTS` in the order of their times."""
    states = fold_accounts(event for event in events if event.at < before and event.known_at < before)
    return {account for account, state in states.items() if state.churned_at is not None}


def fold_contacts(events: Iterable[TraitEvent]) -> dict[int, dict[str, object]]:
    """Traits of each contact; events must come in the order of their times."""
    found: dict[int, dict[str, object]] = {}
    for event in events:
        if event.contact is not None:
            told = {name: value for name, value in event.props.items() if value is not None}
            found.setdefault(event.contact, {}).update(told)
    return found


def _ends(event: TraitEvent) -> bool:
    return event.name == "subscription_changed" and str(event.props.get("status", "")).lower() in ENDED
