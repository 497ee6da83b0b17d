"""Keys on the pages: made and shown once, and revoked.

A new key is shown in the very answer that makes it. It is kept nowhere, so there is no page to come back to.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.jobs.key import ASKING, SENDING, do_create_key, do_revoke_key
from keepwell.store.models import Member, Source
from keepwell.store.read.source import access_keys, manages_sources
from keepwell.web.pages.frame import member_of
from keepwell.web.pages.sources import asked_source


@dataclass(frozen=True, slots=True)
class Context:
    source: Source | None
    name: str
    text: str
    address: str
    back: str


@require_POST
def create_key(request: HttpRequest, source_id: int) -> HttpResponse:
    """A key that sends for the source."""
    member, source = asked_source(request, source_id)
    return _created(request, member, source, SENDING, reverse("source", args=[source_id]))


@require_POST
def create_api_key(request: HttpRequest) -> HttpResponse:
    """A key that asks the API; it ends with the member who makes it."""
    member = member_of(request)
    if not manages_sources(member):
        raise Http404
    return _created(request, member, None, ASKING, reverse("sources"))


@require_POST
def revoke_key(request: HttpRequest, source_id: int, key_id: int) -> HttpResponse:
    member, source = asked_source(request, source_id)
    return _revoked(request, member, key_id, source.name, reverse("source", args=[source_id]))


@require_POST
def revoke_api_key(request: HttpRequest, key_id: int) -> HttpResponse:
    return _revoked(request, member_of(request), key_id, "", reverse("sources"))


def _created(
    request: HttpRequest, member: Member, source: Source | None, kinds: tuple[str, ...], back: str
) -> HttpResponse:
    if request.POST.get("kind") not in kinds:
        raise Http404
    try:
        key, text = do_create_key(
            request.POST["kind"],
            source=source.name if source else None,
            addresses=request.POST.get("addresses", "").replace(",", " ").split(),
            lifetime=_lifetime(request.POST.get("days", "")),
            note=request.POST.get("note", ""),
            by=member.email,
            now=SystemClock().now(),
        )
    except UserError as error:
        messages.error(request, str(error))
        return redirect(back)
    page = Context(source, str(key), text, request.build_absolute_uri("/").rstrip("/"), back)
    return render(request, "source_key.html", {"page": page, "here": "sources"}, status=201)


def _lifetime(days: str) -> timedelta | None:
    if not days.strip():
        return None
    if not (days.isascii() and days.isdigit() and int(days) <= 3650):
        raise UserError(f"A key cannot be good for {days[:20]!r} days; expected a whole number up to 3650, or none.")
    return timedelta(days=int(days))


def _revoked(request: HttpRequest, member: Member, key_id: int, source: str, back: str) -> HttpResponse:
    rows = access_keys(member)
    row = next((row for row in rows if row.id == key_id and row.source_name == source), None)
    if row is None:
        raise Http404
    try:
        do_revoke_key(row.name, by=member.email, now=SystemClock().now())
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The key {row.name} is revoked; whoever holds it is refused from now on.")
    return redirect(back)
