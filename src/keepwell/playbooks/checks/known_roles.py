"""The roles that steps name are those in the playbook's `roles`; `csm` and `admin` are known everywhere."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from keepwell.facts.notice import ADMIN, CSM
from keepwell.health.checks.check import Issue, warning
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck, unknown

# Words that stand in `approval` beside roles.
NO_ROLES: Final = frozenset({"sender", "none"})


class KnownRoles(PlaybookCheck):
    kind: ClassVar[Literal["known_roles"]] = "known_roles"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            known = tuple(dict.fromkeys((*playbook.roles, CSM, ADMIN)))
            used: set[str] = set()
            for number, step in enumerate(playbook.steps):
                approval = (step.approval,) if step.approval and step.approval not in NO_ROLES else ()
                used.update(step.roles(), approval)
                yield from unknown(book, name, ("steps", number), "role", step.roles(), known)
                yield from unknown(book, name, ("steps", number, "approval"), "role", approval, known)
            for number, role in enumerate(playbook.roles):
                if role not in used:
                    sentence = f"no step names the role '{role}'; leave it out."
                    yield warning(book.spots[name].problem(sentence, "roles", number))
