"""The throw-away home of a replay: the state that turns need, and a link to the event log.

The log's locks lie beside the link, so the replay never waits for whoever seals, nor they for it. Nothing that could
reach anybody is copied: no secrets, no keys, no passwords, no routes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.core import serializers
from django.db import models, transaction

from keepwell.base.errors import UserError, nearest
from keepwell.base.home import Home
from keepwell.jobs.enrolment_start import playbook_versions
from keepwell.jobs.home import create_home
from keepwell.store.models import (
    Account,
    Contact,
    Derivation,
    EventName,
    MappingVersion,
    Member,
    ModelVersion,
    OptOut,
    RoleHolder,
)

PLAN: Final = "replay.json"
ROWS: Final = "rows"
A_STATEMENT: Final = 500
# In an order in which each refers to those before; of accounts and contacts only what the log does not tell.
_COPIED: Final[Sequence[tuple[type[models.Model], tuple[str, ...] | None]]] = (
    (Member, ("email", "name", "role", "is_active")),
    (RoleHolder, None),
    (Account, ("key", "owner")),
    (Contact, ("account", "key")),
    (EventName, None),
    (MappingVersion, None),
    (Derivation, None),
    (OptOut, None),
)


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """From when to when, and how far apart turns are at most. With `is_approved` whoever is asked says yes at once."""

    package: str
    begins_at: datetime
    ends_at: datetime
    every: timedelta
    is_approved: bool = False

    def written(self) -> str:
        told = asdict(self)
        times = {"begins_at": self.begins_at.isoformat(), "ends_at": self.ends_at.isoformat()}
        return json.dumps({**told, **times, "every": self.every.total_seconds()})

    @classmethod
    def read(cls, text: str) -> "ReplayPlan":
        told = json.loads(text)
        begins_at, ends_at = (datetime.fromisoformat(told[name]) for name in ("begins_at", "ends_at"))
        return cls(told["package"], begins_at, ends_at, timedelta(seconds=told["every"]), told["is_approved"])


def replayed_version(package: str) -> ModelVersion:
    """The newest version of the package with playbooks; refused where there is none."""
    versions = playbook_versions()
    if package not in versions:
        told = f"{nearest(package, sorted(versions))} There are: {', '.join(sorted(versions))}." if versions else ""
        raise UserError(f"No package '{package}' with playbooks is published.{told}")
    return versions[package]


def do_make_replay_home(home: Home, folder: Path, plan: ReplayPlan) -> None:
    """Fill an empty folder; it belongs to nobody but its owner."""
    if not home.log.exists():
        raise UserError(f"There is no event log in {home.path} yet; send or import events first.")
    version = replayed_version(plan.package)
    create_home(folder)
    inside = Home(folder)
    inside.log.parent.mkdir()
    inside.log.symlink_to(home.log.resolve(), target_is_directory=True)
    (folder / PLAN).write_text(plan.written(), encoding="utf-8")
    (folder / ROWS).mkdir()
    for place, (table, names) in enumerate(_COPIED):
        with (folder / ROWS / f"{place}.jsonl").open("w", encoding="utf-8") as file:
            serializers.serialize("jsonl", models.QuerySet(table).order_by("pk").iterator(), fields=names, stream=file)
    with (folder / ROWS / f"{len(_COPIED)}.jsonl").open("w", encoding="utf-8") as file:
        serializers.serialize("jsonl", [version], stream=file)


def do_load_rows(folder: Path) -> ReplayPlan:
    """Inside: the copied rows into the fresh state, and what is to be replayed. Refused in any other home."""
    if not (folder / PLAN).is_file() or Account.objects.exists():
        raise UserError("This is no fresh home of a replay; 'keepwell replay' makes one and throws it away.")
    with transaction.atomic():
        for place in range(len(_COPIED) + 1):
            with (folder / ROWS / f"{place}.jsonl").open(encoding="utf-8") as file:
                rows: list[models.Model] = [one.object for one in serializers.deserialize("jsonl", file)]
            if rows:
                table: models.QuerySet[models.Model] = models.QuerySet(type(rows[0]))
                table.bulk_create(rows, batch_size=A_STATEMENT)
    return ReplayPlan.read((folder / PLAN).read_text(encoding="utf-8"))
