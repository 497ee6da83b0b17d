"""Signing in, and failing to, goes into the audit chain."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest

from keepwell.base.clock import SystemClock
from keepwell.jobs.member import do_note_sign_in
from keepwell.store.models import Member


def connect() -> None:
    user_logged_in.connect(_note_done, dispatch_uid="note_sign_in")
    user_login_failed.connect(_note_failed, dispatch_uid="note_failed_sign_in")


def _note_done(sender: object, request: HttpRequest, user: Member, **rest: Any) -> None:
    do_note_sign_in(user.email, address=_address(request), is_done=True, now=SystemClock().now())


def _note_failed(sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **rest: Any) -> None:
    tried = str(credentials.get("email") or credentials.get("username") or "")
    do_note_sign_in(tried, address=_address(request), is_done=False, now=SystemClock().now())


def _address(request: HttpRequest | None) -> str:
    return str(request.META.get("REMOTE_ADDR", "")) if request else ""
