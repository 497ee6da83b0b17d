"""Segments: how many accounts each holds."""

from django.http import HttpRequest
from ninja import Router, Schema

from keepwell.store.read.segment import SegmentRow, access_segments
from keepwell.web.pages.frame import member_of

router = Router()


class SegmentShape(Schema):
    """`accounts` were in it when they were last scored under the model."""

    model: str
    segment: str
    title: str
    about: str
    accounts: int


class SegmentList(Schema):
    segments: list[SegmentShape]


@router.get("", response=SegmentList, summary="Segments with the number of their accounts")
def list_segments(request: HttpRequest) -> SegmentList:
    return SegmentList(segments=[_shape(row) for row in access_segments(member_of(request))])


def _shape(row: SegmentRow) -> SegmentShape:
    return SegmentShape(model=row.model, segment=row.segment, title=row.title, about=row.about, accounts=row.accounts)
