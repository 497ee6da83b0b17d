"""Secrets of others: never in the clear, never lost by a rotation."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.base.errors import SettingError, UserError
from keepwell.base.settings import Settings
from keepwell.jobs.secret import KEYS_FILE, do_rotate_secrets, open_vault
from keepwell.jobs.source import do_change_source, do_create_source
from keepwell.store.models import AuditEntry, Source

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
FIRST, SECOND = "first-" + "a" * 40, "second-" + "b" * 40


@pytest.fixture
def home(tmp_path: Path, db: None) -> Settings:
    return Settings(home=tmp_path, secret_key="s" * 40)


def plant(settings: Settings, name: str, *texts: str) -> Source:
    source = Source.objects.create(name=name, connector="stripe", created_at=NOW, created_by="test")
    do_change_source(source.name, secrets=texts, vault=open_vault(settings), by="test", now=NOW)
    source.refresh_from_db()
    return source


def read(settings: Settings, source: Source) -> list[str]:
    source.refresh_from_db()
    return open_vault(settings).decrypt_list(source.secrets, f"source {source.name}")


def test_what_is_stored_shows_nothing_and_never_twice_the_same(home: Settings) -> None:
    one, other = plant(home, "one", "whsec_plain"), plant(home, "other", "whsec_plain")
    assert "whsec_plain" not in one.secrets
    assert one.secrets != other.secrets
    assert read(home, one) == ["whsec_plain"]
    assert "whsec_plain" not in json.dumps(list(AuditEntry.objects.values_list("details", flat=True)))
    assert "keys=" not in repr(open_vault(home))


def test_a_secret_moved_to_another_source_or_changed_is_refused(home: Settings) -> None:
    one, other = plant(home, "one", "whsec_plain"), plant(home, "other", "x")
    Source.objects.filter(pk=other.pk).update(secrets=one.secrets)
    with pytest.raises(UserError, match="enter it anew"):
        read(home, other)
    for place in (-2, -20, 30):
        changed = one.secrets[:place] + ("A" if one.secrets[place] != "A" else "B") + one.secrets[place:][1:]
        with pytest.raises(UserError, match="source one"):
            open_vault(home).decrypt(changed, "source one")


def test_after_a_rotation_everything_is_read_with_a_new_key_alone(home: Settings) -> None:
    sources = [plant(home, f"s{number}", f"secret-{number}", "older") for number in range(5)]
    before = [source.secrets for source in sources]
    assert do_rotate_secrets(home, by="test", now=NOW) == 5
    assert [read(home, source) for source in sources] == [[f"secret-{number}", "older"] for number in range(5)]
    file = home.home / KEYS_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    # The session key of the home is no longer what protects them.
    assert read(Settings(home=home.home, secret_key="z" * 40), sources[0]) == ["secret-0", "older"]
    ids = {source.secrets.split(":")[1] for source in sources}
    assert len(ids) == 1
    assert ids.isdisjoint(text.split(":")[1] for text in before)
    assert AuditEntry.objects.filter(act="rotate_secrets").count() == 1


def test_any_number_of_rotations_keeps_all_and_two_keys(home: Settings) -> None:
    source = plant(home, "one", "whsec_plain")
    for _ in range(4):
        opened_before = open_vault(home)
        text_before = opened_before.encrypt("late", "source late")
        do_rotate_secrets(home, by="test", now=NOW)
        assert read(home, source) == ["whsec_plain"]
        assert open_vault(home).decrypt(text_before, "source late") == "late"
    assert len((home.home / KEYS_FILE).read_text().split()) == 2


def test_a_rotation_that_was_cut_off_loses_nothing(home: Settings) -> None:
    source = plant(home, "one", "whsec_plain")
    # The fresh key stands in the file, and nothing was encrypted with it.
    (home.home / KEYS_FILE).write_text(secrets.token_urlsafe(32) + "\n")
    assert read(home, source) == ["whsec_plain"]
    do_rotate_secrets(home, by="test", now=NOW)
    assert read(home, source) == ["whsec_plain"]


def test_keys_of_the_environment_win_and_rotate_by_their_order(tmp_path: Path, db: None) -> None:
    old = Settings(home=tmp_path, secret_key="s" * 40, encryption_key=FIRST)
    source = plant(old, "one", "whsec_plain")
    both = Settings(home=tmp_path, secret_key="s" * 40, encryption_key=f"{SECOND}, {FIRST}")
    do_rotate_secrets(both, by="test", now=NOW)
    assert not (tmp_path / KEYS_FILE).exists()
    assert read(Settings(home=tmp_path, secret_key="", encryption_key=SECOND), source) == ["whsec_plain"]
    with pytest.raises(UserError, match="KEEPWELL_ENCRYPTION_KEY"):
        read(old, source)


def test_a_short_key_is_refused_without_being_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="fewer than 32") as refused:
        open_vault(Settings(home=tmp_path, encryption_key="hunter2"))
    assert "hunter2" not in str(refused.value)


def test_an_http_source_has_keys_and_no_secrets(home: Settings) -> None:
    with pytest.raises(UserError, match="keepwell key create --source web --kind srv"):
        do_create_source("web", secrets=["x"], vault=open_vault(home), by="test", now=NOW)
