"""What every request passes: its id, the demand to sign in, and no copy left in a cache."""

import logging
import secrets
from collections.abc import Callable
from io import BytesIO

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

logger = logging.getLogger("keepwell.web")

Answer = Callable[[HttpRequest], HttpResponseBase]
ID_HEADER = "X-Request-Id"


class RequestId:
    """Gives the request an id to quote; an error page shows it and the log has it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.META["keepwell.request_id"] = secrets.token_hex(6)
        response = self.get_response(request)
        response[ID_HEADER] = request_id(request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        logger.error("Request %s %s failed, id %s.", request.method, request.path, request_id(request))


def request_id(request: HttpRequest) -> str:
    return str(request.META.get("keepwell.request_id", "none"))


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise publishes no types
    """Answers with the whole file: under ASGI a streamed one is read in the event loop, with a warning each time."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        with found.file or BytesIO() as file:
            response = HttpResponse(file.read(), status=int(found.status))
        del response["content-type"]
        for name, value in found.headers:
            response[name] = value
        return response


class NoStore:
    """Keeps pages out of every cache, so that the back button shows nothing after signing out."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response


class SignInRequired(LoginRequiredMiddleware):
    """Every view needs a member unless it says otherwise; machines are told in their own way."""

    def handle_no_permission(  # type: ignore[override]  # Django always redirects; machines get a status
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            return JsonResponse({"error": "Sign in first."}, status=401)
        if request.headers.get("HX-Request"):
            # A redirect would be followed in silence and put the sign-in form inside the page.
            response = HttpResponse(status=401)
            response["HX-Redirect"] = reverse("account_login")
            return response
        return super().handle_no_permission(request, view_func)
