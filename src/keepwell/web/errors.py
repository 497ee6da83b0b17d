"""Pages for what went wrong: what happened, what to do, and an id to quote. Never a traceback."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token

from keepwell.web.middleware import request_id

TEXTS = {
    400: ("This request made no sense", "The address or the form held something that cannot be. Nothing was changed."),
    403: ("This is not allowed", "Nothing was changed. Go back, load the page again and try once more."),
    404: ("There is nothing here", "The address may be misspelt, or what it named is gone or not yours to see."),
    500: (
        "Something broke on our side",
        "Nothing you entered was saved by this request. It is in the log with its id.",
    ),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403)


@requires_csrf_token
def forbidden_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    return _page(request, 500)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    title, text = TEXTS[status]
    if request.path.startswith("/api/"):
        return JsonResponse({"error": title, "id": request_id(request)}, status=status)
    # Without the request, so that no context processor can fail a second time.
    theme = request.COOKIES.get("theme", "")
    context = {"status": status, "title": title, "text": text, "id": request_id(request)}
    context["theme"] = theme if theme in {"light", "dark"} else ""
    return render(None, "error.html", context, status=status)
