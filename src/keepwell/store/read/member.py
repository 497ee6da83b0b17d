"""Members, for those who run Keepwell, and the roles that they hold."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Final

from keepwell.facts.notice import ADMIN
from keepwell.store.models import Member, RoleHolder

ADMIN_ROLES: Final = ("owner", "admin")


@dataclass(frozen=True, slots=True)
class MemberRow:
    email: str
    name: str
    role: str
    is_active: bool

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def access_members() -> list[MemberRow]:
    """Everybody, by e-mail address; only for the shell, which needs no guard."""
    rows = Member.objects.order_by("email").values_list("email", "name", "role", "is_active")
    return [MemberRow(*row) for row in rows]


def holders_of_roles() -> dict[str, list[int]]:
    """The members of each role; owners and admins of Keepwell are those of `admin`."""
    found: dict[str, list[int]] = defaultdict(list)
    for role, member in RoleHolder.objects.order_by("pk").values_list("role", "member"):
        found[role].append(member)
    found[ADMIN] = list(Member.objects.filter(role__in=ADMIN_ROLES).order_by("pk").values_list("pk", flat=True))
    return found
