"""Members, for those who run Keepwell."""

from dataclasses import asdict, dataclass

from keepwell.store.models import Member


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
