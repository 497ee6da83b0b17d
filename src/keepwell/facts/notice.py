"""A notice tells members of something that was noticed; who is told is worked out here.

The role `csm` is the owner of the account, `admin` is every owner and admin of Keepwell; other roles are held by the
members that were named for them. Where nobody holds a role, owners and admins are told, and the notice says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

Severity = Literal["critical", "high", "medium", "low"]
Subject = Literal["alert", "opportunity", "milestone", "step", "task", "stall"]
Tell = Literal["at_once", "daily", "weekly"]

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""The most severe first."""
CSM: Final = "csm"
ADMIN: Final = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told of a subject. `sentence` says what happened, with numbers; `link` is the path of its page.

    `account_name` and `account_key` are empty for what concerns no account, such as a source that fell silent. With an
    `event` it is for programs alone, by that name; `data` is what they read of it besides, as values of JSON.
    """

    subject: Subject
    subject_id: int
    account_name: str
    title: str
    sentence: str
    severity: Severity
    roles: tuple[str, ...]
    link: str
    account_owner_id: int | None = None
    tell: Tell = "at_once"
    happened_at: datetime | None = None
    respond_by: datetime | None = None
    account_key: str = ""
    event: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """Members by their id, each with the roles they are told in; and the roles that nobody holds."""

    members: Mapping[int, tuple[str, ...]]
    empty_roles: tuple[str, ...]


def who_is_told(notice: Notice, holders: Mapping[str, Sequence[int]], members: Collection[int]) -> Told:
    """`holders` has the members of each role, `admin` among them; only those of `members` can be told anything."""
    found: dict[int, tuple[str, ...]] = {}
    empty: list[str] = []
    owner = notice.account_owner_id
    for role in dict.fromkeys(notice.roles):
        named = holders.get(role, ())
        if role == CSM and owner is not None and owner in members:
            named = (owner,)
        reached = [one for one in named if one in members]
        if not reached:
            empty.append(role)
        for one in reached:
            found[one] = (*found.get(one, ()), role)
    if empty:
        for one in holders.get(ADMIN, ()):
            if one in members:
                found.setdefault(one, (ADMIN,))
    return Told(found, tuple(empty))


def is_at_least(severity: str, floor: str) -> bool:
    """Whether a severity is `floor` or a more severe one."""
    known: Sequence[str] = SEVERITIES
    return known.index(severity) <= known.index(floor)
