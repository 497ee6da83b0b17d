"""The way out of messages, for contacts: a link without a sign-in, and the one-click POST of mail programs (RFC 8058).

Looking at the page changes nothing, because programs that check links look at every one. The address alone says whom
it is about: whoever comes by it has no cookies, and a mail program sends nothing else along.
"""

import threading
import time
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from keepwell.base.allowance import Allowance
from keepwell.base.clock import SystemClock
from keepwell.jobs.opt_out import LINK, ONE_CLICK, do_opt_out, unsubscribing_contact, wait_for_flights

A_MINUTE: Final = 20
# What a mail program posts is a line; nobody is kept from opting out by what else is sent along.
BODY_BYTES: Final = 4096
# As long as a message may take to be handed over, and a mail program to wait for an answer.
FLIGHTS_S: Final = 10.0

_allowance: Final = Allowance(A_MINUTE)
_lock: Final = threading.Lock()


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    contact = unsubscribing_contact(token)
    if contact is None:
        return _page(request, "unknown", 404)
    if request.method != "POST":
        return _page(request, "asked")
    with _lock:
        wait_s = _allowance.wait_s(contact.pk, time.monotonic())
    if wait_s > 0:
        answer = _page(request, "too_many", 429)
        answer["Retry-After"] = str(int(wait_s) + 1)
        return answer
    contacts = do_opt_out(contact, way=_way(request), by=f"contact:{contact.pk}", now=SystemClock().now())
    return _page(request, "done" if wait_for_flights(contacts, FLIGHTS_S) else "done_but_one")


def _way(request: HttpRequest) -> str:
    """Whose button it was; a body that cannot be read changes nothing about what is wanted."""
    length = request.headers.get("Content-Length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES:
        return LINK
    try:
        return ONE_CLICK if request.POST.get("List-Unsubscribe") == "One-Click" else LINK
    except (BadRequest, MultiPartParserError, SuspiciousOperation):
        return LINK


def _page(request: HttpRequest, state: str, status: int = 200) -> HttpResponse:
    return render(request, "unsubscribe.html", {"state": state}, status=status)
