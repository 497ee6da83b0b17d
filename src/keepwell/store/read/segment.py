"""Segments of the health models in force."""

from dataclasses import dataclass

from keepwell.store.models import Member
from keepwell.store.read.account import access_segment_counts
from keepwell.store.read.health_model import access_models


@dataclass(frozen=True, slots=True)
class SegmentRow:
    model: str
    segment: str
    title: str
    about: str
    accounts: int


def access_segments(member: Member) -> list[SegmentRow]:
    """Every segment in the order of its package's file, those that hold nobody too."""
    found = []
    for face in access_models(member):
        segments = face.signals.segments if face.signals is not None else {}
        counts = access_segment_counts(member, face.model) if segments else {}
        for name, segment in segments.items():
            about = " ".join(segment.about.split())
            found.append(SegmentRow(face.model, name, segment.title, about, counts.get(name, 0)))
    return found
