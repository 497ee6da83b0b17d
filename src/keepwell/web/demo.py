"""Signs the visitor of a demo company in: on this machine only, and only where a demo was made.

All must hold: KEEPWELL_DEMO is on, `keepwell demo` made the home, the connection comes from a loopback address, the
page was asked for under a loopback name, and no header says that a proxy stands between.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponseBase

from keepwell.base.settings import is_loopback
from keepwell.jobs.home import demo_email
from keepwell.store.models import Member

SIGNS_OF_A_PROXY = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_VIA",
)
_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class DemoSignIn:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.KEEPWELL.demo and not request.user.is_authenticated and is_from_this_machine(request):
            member = _demo_member()
            if member is not None:
                login(request, member, backend=_BACKEND)
        return self.get_response(request)


def is_from_this_machine(request: HttpRequest) -> bool:
    """Judged by the connection; a name in a header only ever makes it false."""
    if any(sign in request.META for sign in SIGNS_OF_A_PROXY):
        return False
    host = str(request.META.get("HTTP_HOST", ""))
    # An outside name that resolves to 127.0.0.1 would let a foreign page read the demo.
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return is_loopback(name) and is_loopback(str(request.META.get("REMOTE_ADDR", "")))


def is_demo() -> bool:
    return settings.KEEPWELL.demo and demo_email(settings.KEEPWELL.home) is not None


def _demo_member() -> Member | None:
    email = demo_email(settings.KEEPWELL.home)
    return Member.objects.filter(email=email, is_active=True).first() if email else None
