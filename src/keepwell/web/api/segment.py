"""Segments: how many accounts each holds."""

from django.http import HttpRequest
from ninja import Router, Schema

from keepwell.jobs.today_shape import SegmentShape, segment_shapes
from keepwell.web.pages.frame import member_of

router = Router()


class SegmentList(Schema):
    segments: list[SegmentShape]


@router.get("", response=SegmentList, summary="Segments with the number of their accounts")
def list_segments(request: HttpRequest) -> SegmentList:
    return SegmentList(segments=segment_shapes(member_of(request)))
