"""What was written down about a signal when it opened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepwell.signals.condition import Line
from keepwell.signals.sentence import evidence_sentence
from keepwell.store.models import Alert, Member, Milestone, OpportunitySign
from keepwell.store.read.health_model import ModelFace, access_model_version


@dataclass(frozen=True, slots=True)
class EventBehind:
    """An event as it was when the signal opened."""

    name: str
    at: datetime
    source: str
    message_id: str
    properties: Mapping[str, object]


def lines_of(signal: Alert | OpportunitySign | Milestone) -> list[Line]:
    """The numbers with their limits."""
    told: Sequence[Mapping[str, Any]] = signal.evidence.get("lines", ())
    return [Line(one["label"], one["value"], one["unit"], one["limit"]) for one in told]


def events_of(signal: Alert | OpportunitySign | Milestone) -> list[EventBehind]:
    """The newest events that the rule read, newest first."""
    told: Sequence[Mapping[str, Any]] = signal.evidence.get("events", ())
    return [
        EventBehind(one["name"], datetime.fromisoformat(one["at"]), one["source"], one["message_id"], one["props"])
        for one in told
    ]


def sentence_of(signal: Alert | OpportunitySign | Milestone, face: ModelFace | None) -> str:
    """The numbers in words; `face` is that of the version under which the signal opened, for the units."""
    return evidence_sentence(lines_of(signal), face.units if face else {})


def access_faces(member: Member, versions: Iterable[int | None]) -> dict[int | None, ModelFace]:
    """The faces of the versions under which signals opened, by id."""
    found = {version: access_model_version(member, version) for version in set(versions) if version is not None}
    return {version: face for version, face in found.items() if face is not None}
