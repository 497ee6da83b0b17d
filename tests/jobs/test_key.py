"""Keys are shown once, kept as a digest, and end when they should."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core import serializers
from django.db import connection

from keepwell.base.errors import UserError
from keepwell.base.settings import Settings
from keepwell.jobs.audit import verify_chain
from keepwell.jobs.key import (
    do_create_key,
    do_note_leak,
    do_note_use,
    do_revoke_key,
    keys_in,
    read_key,
    secrets_of,
)
from keepwell.jobs.secret import Vault, open_vault
from keepwell.jobs.source import do_create_source, do_resume_source, do_stop_source
from keepwell.store.models import ApiKey, AuditEntry, Source

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOME = ["10.0.0.0/8"]


@pytest.fixture
def vault(db: None, tmp_path: Path) -> Vault:
    return open_vault(Settings(home=tmp_path, secret_key="s" * 40))


@pytest.fixture
def web(vault: Vault) -> Source:
    return do_create_source("web-app", vault=vault, by="ada@example.org", now=NOW)


def create(kind: str, **more: object) -> str:
    _, text = do_create_key(kind, by="ada@example.org", now=NOW, **more)  # type: ignore[arg-type]
    return text


def test_a_key_opens_what_it_was_made_for(web: Source) -> None:
    text = create("ing", source="web-app")
    assert re.fullmatch(r"ing_[A-Za-z0-9_-]{43}", text)
    held = read_key(text, now=NOW)
    assert held is not None
    assert (held.kind, held.source_id, held.source_name, held.is_trusted) == ("ing", web.pk, "web-app", False)
    assert held.name == text[:12]
    server = read_key(create("srv", source="web-app"), now=NOW)
    assert server is not None
    assert server.is_trusted


def test_a_key_that_is_not_one_opens_nothing(web: Source) -> None:
    text = create("srv", source="web-app")
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    for tried in (wrong, text[4:], text.replace("srv_", "adm_"), text + "A", "", "srv_", text.upper(), f" {text}"):
        assert read_key(tried, now=NOW) is None


@pytest.mark.parametrize("kind", ["ing", "srv", "red", "adm"])
def test_no_key_is_anywhere_in_the_database(vault: Vault, web: Source, kind: str) -> None:
    more: dict[str, object] = {"source": "web-app"} if kind in {"ing", "srv"} else {"addresses": HOME}
    text = create(kind, note="for tests", **more)
    do_note_leak(text, where="address", now=NOW)
    do_revoke_key(text[:12], by="ada@example.org", now=NOW)
    dump = "".join(
        serializers.serialize("json", model.objects.all()) for model in (ApiKey, Source, AuditEntry)
    ) + "\n".join(str(row) for table in connection.introspection.table_names() for row in _rows(table))
    assert text[:12] in dump
    assert text not in dump
    assert text[4:20] not in dump
    assert text[12:] not in dump


def _rows(table: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')
        return cursor.fetchall()


def test_two_keys_never_share_their_secret_part(web: Source) -> None:
    texts = {create("ing", source="web-app") for _ in range(50)}
    assert len({text[4:] for text in texts}) == 50


def test_a_revoked_key_is_over_and_the_others_go_on(web: Source) -> None:
    first, second = create("ing", source="web-app"), create("ing", source="web-app")
    do_revoke_key(first[:12], by="ada@example.org", now=NOW)
    assert read_key(first, now=NOW) is None
    assert read_key(second, now=NOW) is not None
    with pytest.raises(UserError, match="was revoked on 20 Nov 2026"):
        do_revoke_key(first[:12], by="ada@example.org", now=NOW)
    with pytest.raises(UserError, match="keepwell key list"):
        do_revoke_key("ing_nonsense", by="ada@example.org", now=NOW)


def test_a_stopped_source_is_shut_for_all_its_keys(vault: Vault, web: Source) -> None:
    text = create("srv", source="web-app")
    do_stop_source("web-app", by="ada@example.org", now=NOW)
    assert read_key(text, now=NOW) is None
    with pytest.raises(UserError, match="source resume web-app"):
        create("srv", source="web-app")
    do_resume_source("web-app", by="ada@example.org", now=NOW)
    assert read_key(text, now=NOW) is not None


def test_an_adm_key_ends_within_90_days_and_names_its_addresses(db: None) -> None:
    text = create("adm", addresses=["203.0.113.0/24", "2001:db8::1"])
    held = read_key(text, now=NOW + timedelta(days=90) - timedelta(microseconds=1))
    assert held is not None
    assert read_key(text, now=NOW + timedelta(days=90)) is None
    allowed = {"203.0.113.9": True, "::ffff:203.0.113.9": True, "2001:db8::1": True, "203.0.114.1": False, "": False}
    assert {address: held.may_come_from(address) for address in allowed} == allowed
    with pytest.raises(UserError, match="at most 90 days"):
        create("adm", addresses=HOME, lifetime=timedelta(days=91))
    with pytest.raises(UserError, match="--address"):
        create("adm")


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        ("usr", {}, "not a kind of key"),
        ("ing", {}, "name it"),
        ("ing", {"source": "wep-app"}, "Did you mean 'web-app'?"),
        ("red", {"source": "web-app"}, "belongs to no source"),
        ("red", {"scopes": ["accounts:write"]}, "cannot have the scope 'accounts:write'"),
        ("ing", {"source": "web-app", "scopes": ["accounts:read"]}, "cannot have the scope"),
        ("red", {"addresses": ["here"]}, "expected one such as 203.0.113.7"),
        ("red", {"lifetime": timedelta(0)}, "at least one day"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    web: Source, kind: str, more: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        create(kind, **more)
    assert ApiKey.objects.count() == 0
    assert not AuditEntry.objects.filter(act="create_key").exists()


def test_a_read_key_reads_and_an_adm_key_does_all_unless_told_less(db: None) -> None:
    red = read_key(create("red"), now=NOW)
    adm = read_key(create("adm", addresses=HOME), now=NOW)
    less = read_key(create("red", scopes=["accounts:read"]), now=NOW)
    assert red is not None
    assert adm is not None
    assert less is not None
    assert {scope.partition(":")[2] for scope in red.scopes} == {"read"}
    assert adm.scopes > red.scopes > less.scopes == {"accounts:read"}


def test_a_leak_is_noted_once_and_every_act_is_on_record(web: Source) -> None:
    text = create("ing", source="web-app")
    do_note_leak(text, where="/v1/t", now=NOW)
    do_note_leak(text, where="/v1/t", now=NOW + timedelta(hours=1))
    do_note_leak("ing_" + "x" * 43, where="/v1/t", now=NOW)
    assert ApiKey.objects.get().leaked_at == NOW
    assert read_key(text, now=NOW) is not None
    acts = list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))
    assert acts == ["create_source", "create_key", "note_leak"]
    assert verify_chain().holds


def test_the_last_use_only_moves_on(web: Source) -> None:
    held = read_key(create("ing", source="web-app"), now=NOW)
    assert held is not None
    do_note_use([held.id], now=NOW)
    do_note_use([held.id], now=NOW - timedelta(hours=1))
    assert ApiKey.objects.get().last_used_at == NOW


def test_keys_are_seen_in_an_address(web: Source) -> None:
    text = create("ing", source="web-app")
    for address in (f"/v1/t?writeKey={text}", f"/v1/{text}/t", f"a={text}&b=1", f"%22{text}%22", f"%2F{text}"):
        assert keys_in(address) == [text], address
    assert keys_in("/pricing_and_adm_inistration?ing_=1") == []


def test_the_secrets_of_a_connector_are_given_for_running_sources_only(vault: Vault) -> None:
    for name in ("billing", "billing-eu", "old"):
        source = Source.objects.create(name=name, connector="stripe", created_at=NOW, created_by="x")
        source.secrets = vault.encrypt_list([f"whsec_{name}", "whsec_before"], f"source {name}")
        source.save()
    do_stop_source("old", by="ada@example.org", now=NOW)
    found = secrets_of("stripe", None, vault=vault)
    assert [(source.name, texts) for source, texts in found] == [
        ("billing", ["whsec_billing", "whsec_before"]),
        ("billing-eu", ["whsec_billing-eu", "whsec_before"]),
    ]
    assert [source.name for source, _ in secrets_of("stripe", "billing-eu", vault=vault)] == ["billing-eu"]
    assert secrets_of("zendesk", None, vault=vault) == []


def test_a_secret_that_cannot_be_read_is_the_trouble_of_its_source_alone(
    vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost = open_vault(Settings(home=tmp_path, secret_key="z" * 40))
    for name, keeper in (("lost", lost), ("fine", vault)):
        text = keeper.encrypt_list([f"whsec_{name}"], f"source {name}")
        Source.objects.create(name=name, connector="stripe", secrets=text, created_at=NOW, created_by="x")
    found = secrets_of("stripe", None, vault=vault)
    assert [(source.name, texts) for source, texts in found] == [("lost", []), ("fine", ["whsec_fine"])]
    assert "The secret of source lost was encrypted with the key" in caplog.text
    assert "whsec" not in caplog.text


@pytest.mark.parametrize("name", ["", "a b", "a/b", "<img src=x>", "ä", "-a", "a" * 101, "a\n"])
def test_a_source_has_a_name_that_fits_an_address(vault: Vault, name: str) -> None:
    if name == "a\n":
        assert do_create_source(name, vault=vault, by="x", now=NOW).name == "a"
        return
    with pytest.raises(UserError, match="such as web-app"):
        do_create_source(name, vault=vault, by="x", now=NOW)


def test_a_second_source_of_a_name_is_refused_whatever_its_case(vault: Vault, web: Source) -> None:
    with pytest.raises(UserError, match="There is a source 'web-app' already"):
        do_create_source("Web-App", vault=vault, by="x", now=NOW)
    with pytest.raises(UserError, match="not a connector; expected one of http"):
        do_create_source("other", connector="stipe", vault=vault, by="x", now=NOW)
