"""Signing in: by e-mail address and password; nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import LoginView
from django.forms import Form
from django.http import HttpRequest, HttpResponse

TOO_MANY = "too_many_login_attempts"


class NoSignUp(DefaultAccountAdapter):  # type: ignore[misc]  # allauth publishes no types
    """Members are added by those who run Keepwell."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SignIn(LoginView):  # type: ignore[misc]  # allauth publishes no types
    """allauth's form; too many failures answer 429."""

    def form_invalid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        if any(error.code == TOO_MANY for error in form.non_field_errors().as_data()):
            response.status_code = 429
            response["Retry-After"] = "300"
        return response
