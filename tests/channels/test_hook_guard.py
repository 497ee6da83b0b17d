"""S17: no hook reaches an internal address, in whatever form it is given, when it is saved, tried or used."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.base.business_time import Calendar
from keepwell.base.registry import kinds
from keepwell.base.settings import Settings
from keepwell.channels import kinds as channel_kinds
from keepwell.channels.channel import Channel, TargetError
from keepwell.channels.hook import Hook
from keepwell.channels.public_net import UNREACHABLE
from keepwell.facts.message import Receipt
from keepwell.facts.notice import Notice
from keepwell.jobs.deliver import Post
from keepwell.jobs.notify import do_queue_notifications
from keepwell.jobs.route import do_add_route, do_test_route
from keepwell.jobs.secret import open_vault, place_of_route
from keepwell.store.models import Notification, NotificationRoute
from tests.channels.made_up_net import NAME, PUBLIC, Net, made_up_net

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
BY = "cli:ops"
SECRET = "whsec_" + "c2VjcmV0" * 4
INSIDE = "inside.example"

INTERNAL = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "192.88.99.1", "168.63.129.16", "::1", "::", "fe80::1",
    "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::", "2001::1", "fec0::1",
]  # fmt: skip
SEEN = ("literal", "ipv6", "user", "spelling")
"""Forms that show where they lead before anybody asks for a name."""
FORMS = (*SEEN, "name", "redirect", "rebinding")
CASES = [(form, address) for form in FORMS for address in INTERNAL]
KINDS = (*(kind for kind, channel in kinds(channel_kinds, Channel).items() if issubclass(channel, Hook)), "apprise")

pytestmark = pytest.mark.django_db


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    with made_up_net(tmp_path, monkeypatch) as found:
        found.names[NAME] = [PUBLIC]
        yield found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, secret_key="s" * 40)


def host_of(form: str, address: str) -> str:
    """How the form names the address."""
    found = ipaddress.ip_address(address)
    if form in ("name", "redirect", "rebinding"):
        return INSIDE if form == "name" else NAME
    if isinstance(found, ipaddress.IPv4Address):
        plain = {"ipv6": f"[::ffff:{address}]", "spelling": str(int(found))}.get(form, address)
    else:
        start, end = found.exploded.rsplit(":", 2)[0], ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        plain = {"ipv6": f"[{start}:{end}]", "spelling": f"[{found.exploded.upper()}]"}.get(form, f"[{address}]")
    return f"hooks:example@{plain}" if form == "user" else plain


def target_of(kind: str, host: str) -> str:
    if kind == "apprise":
        return f"json://{host}/services/x"
    return f"https://{host}/services/x{f' {SECRET}' if kind == 'webhook' else ''}"


def saved(settings: Settings, kind: str, target: str) -> tuple[NotificationRoute, str]:
    """The route, and why it would not have been saved; it is there all the same, as one from before a rule."""
    try:
        return do_add_route(settings, team="#cs", channel=kind, target=target, by=BY, now=NOW), ""
    except TargetError as error:
        route = NotificationRoute.objects.create(
            team="#cs", channel=kind, shown="…", severity="low", created_at=NOW, created_by=BY
        )
        route.target = open_vault(settings).encrypt(target, place_of_route(route.pk))
        route.save()
        return route, str(error)


def tried(settings: Settings, route: NotificationRoute) -> Receipt:
    return do_test_route(settings, route.pk, by=BY, now=NOW)


def delivered(settings: Settings) -> tuple[str, str]:
    """State and reason of a notice behind one turn."""
    notice = Notice(
        subject="alert", subject_id=1, account_name="Acme", title="t", sentence="s", severity="high", roles=("csm",),
        link="/alerts/1",
    )  # fmt: skip
    do_queue_notifications([notice], calendar=Calendar(), by="worker", now=NOW)
    Post(settings, wait_s=30).do_deliver_notifications(now=NOW)
    row = Notification.objects.get(route__isnull=False)
    return row.state, row.reason


def test_there_are_27_addresses_in_7_forms_for_each_hook() -> None:
    assert len(CASES) == len(set(CASES)) == 189
    assert set(KINDS) == {"slack", "teams", "webhook", "apprise"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_internal_address_is_refused_when_saved_tried_and_used(
    kind: str, form: str, net: Net, settings: Settings
) -> None:
    addresses = [address for one, address in CASES if one == form]
    assert len(addresses) == 27
    for address in addresses:
        net.names[INSIDE] = [address]
        if form == "redirect":
            net.answer(302, f"http://{f'[{address}]' if ':' in address else address}/")
        route, refused = saved(settings, kind, target_of(kind, host_of(form, address)))
        assert bool(refused) == (form in SEEN), address
        if form == "rebinding":
            net.names[NAME] = [PUBLIC, address]
            assert tried(settings, route).outcome == "sent"
        receipt = tried(settings, route)
        if form == "redirect":
            assert receipt == Receipt("failed", "The hook answered 302.")
            assert delivered(settings) == ("failed", "The hook answered 302.")
        elif refused.startswith("Apprise does not know this"):
            # A spelling that the library itself does not read leads nowhere either.
            assert (kind, form in ("ipv6", "spelling")) == ("apprise", True)
            assert receipt.outcome == delivered(settings)[0] == "failed"
        else:
            assert receipt == Receipt("refused", UNREACHABLE), address
            assert delivered(settings) == ("todo", UNREACHABLE)
        NotificationRoute.objects.all().delete()
    assert set(net.went) <= ({PUBLIC} if form in ("redirect", "rebinding") else set())
    assert net.taken == {"rebinding": 27, "redirect": 54}.get(form, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_who_asks_cannot_tell_a_refused_address_from_one_where_nobody_is(
    kind: str, net: Net, settings: Settings
) -> None:
    net.names |= {"away.example": ["1.1.1.1"], INSIDE: ["10.0.0.1"]}
    told = []
    for host in ("away.example", INSIDE, "nobody.example"):
        route, refused = saved(settings, kind, target_of(kind, host))
        told.append((refused, tried(settings, route)))
    assert told == [("", Receipt("refused", UNREACHABLE))] * 3
    assert net.went == ["1.1.1.1"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_looked_up_once_for_each_message(kind: str, net: Net, settings: Settings) -> None:
    route, _ = saved(settings, kind, target_of(kind, NAME))
    assert (net.asked, net.taken) == ([], 0)
    assert tried(settings, route).outcome == "sent"
    assert (net.asked, net.taken, net.went) == ([NAME], 1, [PUBLIC])
