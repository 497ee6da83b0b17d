"""Every route, in one place."""

from allauth.account import views as account
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView

from keepwell.web import probes
from keepwell.web.api.main import api
from keepwell.web.pages.account import account_page
from keepwell.web.pages.account_events import account_events_page
from keepwell.web.pages.accounts import accounts_page
from keepwell.web.pages.alert import alert_page
from keepwell.web.pages.alert_act import acknowledge_alert, assign_alert, close_alert, snooze_alert
from keepwell.web.pages.approvals import approvals_page, approve_touch, refuse_touch
from keepwell.web.pages.document import document_as_pdf, document_page
from keepwell.web.pages.enrolment import enrolment_page
from keepwell.web.pages.enrolments import enrolments_page
from keepwell.web.pages.inbox import inbox_page
from keepwell.web.pages.mapping import mapped_name_page, mapping_page, publish_name, remove_name
from keepwell.web.pages.message import message_html, message_page
from keepwell.web.pages.milestones import celebrate_milestone, milestones_page, pass_over_milestone
from keepwell.web.pages.opportunities import contact_opportunity, lose_opportunity, opportunities_page
from keepwell.web.pages.outbox import outbox_page
from keepwell.web.pages.overview import overview_page
from keepwell.web.pages.playbook_act import end_playbook, start_playbook
from keepwell.web.pages.sending import (
    resume_sending,
    send_test,
    stop_sending,
    turn_sending_off,
    turn_sending_on,
)
from keepwell.web.pages.source import replay, source_page
from keepwell.web.pages.source_key import create_api_key, create_key, revoke_api_key, revoke_key
from keepwell.web.pages.sources import sources_page
from keepwell.web.pages.tasks import assign_task, complete_task, reopen_task, tasks_page
from keepwell.web.pages.today import today_page
from keepwell.web.sign_in import SignIn
from keepwell.web.unsubscribe import unsubscribe_page


def closed(request: HttpRequest) -> HttpResponse:
    """allauth asks for these names; members do not sign up, and passwords are replaced on the shell."""
    raise Http404


urlpatterns = [
    path("", overview_page, name="overview"),
    path("accounts", accounts_page, name="accounts"),
    path("accounts/<int:account_id>", account_page, name="account"),
    path("accounts/<int:account_id>/playbooks", start_playbook, name="start_playbook"),
    path("accounts/<int:account_id>/events", account_events_page, name="account_events"),
    path("today", today_page, name="today"),
    path("inbox", inbox_page, name="inbox"),
    path("alerts/<int:alert_id>", alert_page, name="alert"),
    path("alerts/<int:alert_id>/acknowledge", acknowledge_alert, name="acknowledge_alert"),
    path("alerts/<int:alert_id>/assign", assign_alert, name="assign_alert"),
    path("alerts/<int:alert_id>/snooze", snooze_alert, name="snooze_alert"),
    path("alerts/<int:alert_id>/close", close_alert, name="close_alert"),
    path("opportunities", opportunities_page, name="opportunities"),
    path("opportunities/<int:opportunity_id>/contacted", contact_opportunity, name="contact_opportunity"),
    path("opportunities/<int:opportunity_id>/lost", lose_opportunity, name="lose_opportunity"),
    path("milestones", milestones_page, name="milestones"),
    path("milestones/<int:milestone_id>/celebrated", celebrate_milestone, name="celebrate_milestone"),
    path("milestones/<int:milestone_id>/passed-over", pass_over_milestone, name="pass_over_milestone"),
    path("approvals", approvals_page, name="approvals"),
    path("approvals/<int:touch_id>/approve", approve_touch, name="approve_touch"),
    path("approvals/<int:touch_id>/refuse", refuse_touch, name="refuse_touch"),
    path("outbox", outbox_page, name="outbox"),
    path("outbox/<int:touch_id>", message_page, name="message"),
    path("outbox/<int:touch_id>/html", message_html, name="message_html"),
    path("outbox/stop", stop_sending, name="stop_sending"),
    path("outbox/resume", resume_sending, name="resume_sending"),
    path("outbox/test", send_test, name="send_test"),
    path("outbox/on", turn_sending_on, name="turn_sending_on"),
    path("outbox/off", turn_sending_off, name="turn_sending_off"),
    path("tasks", tasks_page, name="tasks"),
    path("tasks/<int:task_id>/complete", complete_task, name="complete_task"),
    path("tasks/<int:task_id>/assign", assign_task, name="assign_task"),
    path("tasks/<int:task_id>/reopen", reopen_task, name="reopen_task"),
    path("documents/<int:document_id>", document_page, name="document"),
    path("documents/<int:document_id>.pdf", document_as_pdf, name="document_as_pdf"),
    path("enrolments", enrolments_page, name="enrolments"),
    path("enrolments/<int:enrolment_id>", enrolment_page, name="enrolment"),
    path("enrolments/<int:enrolment_id>/end", end_playbook, name="end_playbook"),
    path("sources", sources_page, name="sources"),
    path("sources/keys", create_api_key, name="create_api_key"),
    path("sources/keys/<int:key_id>/revoke", revoke_api_key, name="revoke_api_key"),
    path("sources/<int:source_id>", source_page, name="source"),
    path("sources/<int:source_id>/replay", replay, name="replay"),
    path("sources/<int:source_id>/keys", create_key, name="create_key"),
    path("sources/<int:source_id>/keys/<int:key_id>/revoke", revoke_key, name="revoke_key"),
    path("mapping", mapping_page, name="mapping"),
    path("mapping/name", mapped_name_page, name="mapped_name"),
    path("mapping/publish", publish_name, name="publish_name"),
    path("mapping/remove", remove_name, name="remove_name"),
    path("api/", api.urls),
    path("unsubscribe/<token>", unsubscribe_page, name="unsubscribe"),
    path("livez", probes.livez, name="livez"),
    path("readyz", probes.readyz, name="readyz"),
    path(
        "favicon.ico",
        login_not_required(RedirectView.as_view(url="/static/keepwell/favicon.svg", permanent=True)),
        name="favicon",
    ),
    path("sign-in", SignIn.as_view(), name="account_login"),
    path("sign-out", account.logout, name="account_logout"),
    path("sign-up", closed, name="account_signup"),
    path("me/password", account.password_change, name="account_change_password"),
    path("me/password/set", closed, name="account_set_password"),
    path("me/password/reset", closed, name="account_reset_password"),
    path("me/inactive", account.account_inactive, name="account_inactive"),
    path("me/confirm", account.reauthenticate, name="account_reauthenticate"),
    path("me/email", closed, name="account_email"),
    path("me/second-factor/", include("allauth.mfa.urls")),
]

handler400 = "keepwell.web.errors.bad_request"
handler403 = "keepwell.web.errors.forbidden"
handler404 = "keepwell.web.errors.not_found"
handler500 = "keepwell.web.errors.broken"
