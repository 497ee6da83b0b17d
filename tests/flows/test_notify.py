"""keepwell notify: routes, roles and test messages from the shell, and what the doctor says of them."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.facts.notice import Notice
from keepwell.jobs.examine import Finding, examine
from keepwell.jobs.notify import do_queue_notifications
from keepwell.store.models import Member, Notification, NotificationRoute
from tests.channels.peers import hook_receiver
from tests.web.serving import environment, keepwell

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
MAIL = {"KEEPWELL_MAIL_HOST": "127.0.0.1", "KEEPWELL_MAIL_PORT": "1", "KEEPWELL_MAIL_SENDER": "kw@ours.example"}


def keepwell_with(home: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, with a text on its standard input and private targets allowed."""
    command = [str(Path(sys.executable).parent / "keepwell"), "notify", *words]
    more = environment(home, KEEPWELL_ALLOW_PRIVATE_TARGETS="1")
    return subprocess.run(command, env=more, input=text, capture_output=True, text=True, check=False)


def test_routes_are_made_tried_shown_and_removed_from_the_shell(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert keepwell(home, "init", "--email", "ada@ours.example").returncode == 0
    with hook_receiver() as hook:
        words = ("add", "--team", "#cs", "--channel", "slack", "--from", "high", "--role", "csm", "--target-stdin")
        added = keepwell_with(home, f"{hook.url}/services/hush\n", *words)
        assert (added.returncode, added.stdout.splitlines()[0]) == (0, "Route 1: slack to 127.0.0.1/…")
        assert keepwell_with(home, "", "test", "1").stdout == "The message was taken.\n"
        hook.status = 404
        failed = keepwell_with(home, "", "test", "1")
    assert json.loads(hook.bodies[0])["text"].startswith("*A test message of Keepwell*\n")
    assert failed.returncode == 1
    assert failed.stderr.strip() == ("The message was not taken, and trying again is of no use. The hook answered 404.")
    (route,) = json.loads(keepwell_with(home, "", "list", "--json").stdout)
    assert {name: route[name] for name in ("number", "recipient", "is_team", "severity", "roles")} == {
        "number": 1, "recipient": "#cs", "is_team": True, "severity": "high", "roles": ["csm"],
    }  # fmt: skip
    shown = keepwell_with(home, "", "list").stdout
    assert "team #cs" in shown
    assert "hush" not in shown + added.stdout + failed.stderr
    assert keepwell_with(home, "", "remove", "1").returncode == 0
    assert keepwell_with(home, "", "remove", "1").returncode == 1


def test_roles_are_given_from_the_shell_and_mail_needs_a_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert keepwell(home, "init", "--email", "ada@ours.example").returncode == 0
    without = keepwell(home, "notify", "add", "ada@ours.example")
    assert (without.returncode, "set mail_host and mail_sender" in without.stderr) == (1, True)
    assert keepwell(home, "notify", "add", "ada@ours.example", **MAIL).stdout.startswith("Route 1: mail to ada@ours")
    assert keepwell(home, "notify", "role", "assign", "ceo", "ada@ours.example").returncode == 0
    found = json.loads(keepwell(home, "notify", "roles", "--json").stdout)
    assert found == {"admin": ["ada@ours.example"], "ceo": ["ada@ours.example"]}
    assert keepwell(home, "notify", "role", "unassign", "ceo", "ada@ours.example").returncode == 0


def look(home: Home, now: datetime) -> Finding:
    return next(finding for finding in examine(home, now=now) if finding.what == "notifications")


@pytest.mark.django_db
def test_the_doctor_tells_of_whom_nobody_was_told_and_of_what_went_wrong(tmp_path: Path) -> None:
    home = Home(tmp_path)
    member = Member.objects.create_user("ada@ours.example", None, name="ada", role="owner")
    assert look(home, NOW).verdict == "well"
    notice = Notice(
        subject="alert", subject_id=1, account_name="Harbour Lights", title="t", sentence="s", severity="high",
        roles=("admin",), link="/alerts/1",
    )  # fmt: skip
    do_queue_notifications([notice], calendar=Calendar(), by="worker", now=NOW)
    untold = look(home, NOW)
    assert untold.verdict == "look"
    assert "Nobody was told of 1 alerts and other signals" in untold.sentence
    route = NotificationRoute.objects.create(
        member=member, channel="mail", shown="ada@ours.example", severity="low", created_at=NOW, created_by="ops"
    )
    do_queue_notifications([notice], calendar=Calendar(), by="worker", now=NOW)
    assert look(home, NOW).verdict == "well"
    assert "1 notices are overdue" in look(home, NOW + timedelta(hours=1)).sentence
    for state in ("failed", "unknown"):
        Notification.objects.filter(route=route).update(state=state, settled_at=NOW)
        assert look(home, NOW + timedelta(hours=23)).verdict == "look"
        assert look(home, NOW + timedelta(hours=25)).verdict == "well"


def test_a_secret_for_a_program_is_made_and_shown_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert keepwell(home, "init", "--email", "ada@ours.example").returncode == 0
    words = ("add", "--team", "CRM", "--channel", "webhook", "--role", "crm", "--target-stdin")
    with hook_receiver() as hook:
        added = keepwell_with(home, f"{hook.url}/in\n", *words)
        made = re.search(r"^Secret:    (whsec_\S+)  \(it is not shown again\)$", added.stdout, re.MULTILINE)
        assert made, added.stdout + added.stderr
        assert keepwell_with(home, "", "test", "1").stdout == "The message was taken.\n"
        own = keepwell_with(home, f"{hook.url}/in {made.group(1)}\n", *words)
    assert "Secret" not in own.stdout
    signed = hook.headers[0]
    body = hook.bodies[0].decode()
    sent_at = datetime.fromtimestamp(int(signed["webhook-timestamp"]), UTC)
    assert Webhook(made.group(1)).sign(signed["webhook-id"], sent_at, body) == signed["webhook-signature"]
    shown = keepwell_with(home, "", "list").stdout + keepwell_with(home, "", "list", "--json").stdout
    assert "whsec_" not in shown
