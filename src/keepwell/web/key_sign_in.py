"""Keys at the API: `Authorization: Bearer red_…` stands in for signing in, within the key's scopes.

Refused are, in this order: a key in an address (it is in logs and histories from then on, so it is flagged), one
that is unknown, over or whose maker left (401), one from a foreign address (403), one that asks too often (429), and
one that lacks the scope (403, which names it).
"""

import math
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from ninja.security import HttpBearer

from keepwell.base.allowance import Allowance
from keepwell.base.clock import SystemClock
from keepwell.base.errors import BugError
from keepwell.jobs.key import SCOPES, SENDING, Held, do_note_leak, do_note_limit, do_note_use, keys_in, read_key
from keepwell.store.models import Member
from keepwell.store.read.source import manages_sources
from keepwell.web.errors import bad_request

A_MINUTE: Final = 120
LIMIT_NOTED_EVERY: Final = timedelta(hours=1)
USE_NOTED_EVERY: Final = timedelta(minutes=1)
HELD: Final = "keepwell.key"
_BEARER: Final = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
UPSERT: Final = "/api/accounts:batch"
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class KeyHeld(HttpBearer):
    """Tells the API that the request came with a key; `KeySignIn` has judged it before."""

    def authenticate(self, request: HttpRequest, token: str) -> Held | None:
        held = request.META.get(HELD)
        return held if isinstance(held, Held) else None


def held_key(request: HttpRequest) -> Held:
    """The key of a request that `KeyHeld` let in."""
    held = request.META[HELD]
    if not isinstance(held, Held):
        raise BugError("a request without a key reached what asks for one")
    return held


def key_name(request: HttpRequest) -> str:
    """How the key of a request is called in the record of acts; "" for somebody who signed in."""
    held = request.META.get(HELD)
    return f"key:{held.name}" if isinstance(held, Held) else ""


class KeySignIn:
    """The middleware. Its buckets are those of one process."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._allowance = Allowance(A_MINUTE)
        self._noted: dict[tuple[str, int], datetime] = {}
        self._lock = threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        leaked = keys_in(request.get_full_path())
        if leaked:
            return _leaked(request, leaked)
        text = bearer_of(request.headers.get("Authorization", ""))
        if not text or not request.path.startswith("/api/"):
            return self.get_response(request)
        return self._refusal(request, text) or self.get_response(request)

    def _refusal(self, request: HttpRequest, text: str) -> HttpResponseBase | None:
        """None, and the request signed in, where the key may do what is asked."""
        now = SystemClock().now()
        held = read_key(text, now=now)
        member = _member(held) if held else None
        if held is None or member is None:
            answer = _error("This key is unknown, revoked or expired; expected one of kind red or adm.", 401)
            answer["WWW-Authenticate"] = "Bearer"
            return answer
        if not held.may_come_from(str(request.META.get("REMOTE_ADDR", ""))):
            return _error(f"The key {held.name} may not be used from this address.", 403)
        with self._lock:
            wait_s = self._allowance.wait_s(held.id, time.monotonic())
        if wait_s > 0:
            if self._is_due("limit", held.id, now, LIMIT_NOTED_EVERY):
                do_note_limit(held, limit=f"{A_MINUTE} requests a minute", now=now)
            answer = _error(f"The key {held.name} asked more than {A_MINUTE} times a minute.", 429)
            answer["Retry-After"] = str(math.ceil(wait_s))
            return answer
        if self._is_due("use", held.id, now, USE_NOTED_EVERY):
            do_note_use([held.id], now=now)
        missing = _missing_scope(held, request.method or "", request.path)
        if missing:
            return _error(missing, 403)
        request.user = member
        request.META[HELD] = held
        return None

    def _is_due(self, what: str, key: int, now: datetime, every: timedelta) -> bool:
        with self._lock:
            before = self._noted.get((what, key))
            if before is not None and now - before < every:
                return False
            self._noted[what, key] = now
            return True


def bearer_of(authorization: str) -> str:
    """The key in a header, "" where it holds none."""
    found = _BEARER.fullmatch(authorization)
    return found.group(1) if found else ""


def member_by_key(text: str, address: str, method: str, path: str, *, now: datetime) -> Member | None:
    """Whom the key with this text acts for, while it may still ask this from there; None where it may not."""
    held = read_key(text, now=now)
    if held is None or not held.may_come_from(address) or _missing_scope(held, method, path):
        return None
    return _member(held)


def needed_scope(method: str, path: str) -> str:
    """Resource and deed, as /api/accounts:batch by PUT is accounts:write."""
    resource = re.split(r"[/:]", path.removeprefix("/api/"), maxsplit=1)[0]
    return f"{resource}:{'read' if method in _READING else 'write'}"


def _missing_scope(held: Held, method: str, path: str) -> str:
    """The sentence for what the key may not, or "". What no scope names is shut to every key."""
    if held.kind in SENDING:
        if held.kind == "srv" and (method, path) == ("PUT", UPSERT):
            # A server key tells of accounts as well as of events.
            return ""
        return f"The key {held.name} only sends events; expected one of kind red or adm."
    needed = needed_scope(method, path)
    if needed in held.scopes or (needed == "openapi.json:read" and held.scopes):
        return ""
    if needed not in SCOPES:
        return "No key may do this; sign in instead."
    return f"The key {held.name} lacks the scope {needed}."


def _member(held: Held) -> Member | None:
    """Whom a key acts for: the member who made it, while they may manage keys; or whoever runs Keepwell."""
    if held.created_by.startswith("cli:"):
        return Member(email=held.name, name=f"Key {held.name}", role="admin")
    member = Member.objects.filter(email=held.created_by, is_active=True).first()
    return member if member is not None and (held.kind in SENDING or manages_sources(member)) else None


def _leaked(request: HttpRequest, texts: list[str]) -> HttpResponseBase:
    for text in texts[:5]:
        do_note_leak(text, where="address of a request", now=SystemClock().now())
    if request.path.startswith("/api/"):
        return _error(
            "A key stands in the address, where logs and histories keep it; it is flagged as leaked. "
            "Revoke it, and send the new one as 'Authorization: Bearer …'.",
            400,
        )
    return bad_request(request, ValueError("a key in the address"))


def _error(sentence: str, status: int) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)
