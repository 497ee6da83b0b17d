"""Settings: nonsense is refused with what was expected, and nothing unsafe starts."""

from datetime import time
from pathlib import Path

import pytest

from keepwell.base.business_time import Calendar
from keepwell.base.errors import SettingError
from keepwell.base.settings import Settings, described, read_settings, refuse_unsafe
from keepwell.jobs.home import create_home, load_settings
from keepwell.web.database import database

LONG = "k9" * 20


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "keepwell.toml").write_text('port = 9001\nallowed_hosts = ["pulse.example"]\n')
    found = load_settings({"KEEPWELL_HOME": str(tmp_path), "KEEPWELL_PORT": "9002"})
    assert (found.port, found.allowed_hosts, found.home) == (9002, ("pulse.example",), tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("KEEPWELL_PORT", "http", "a whole number from 0 to 65535"),
        ("KEEPWELL_PORT", "70000", "a whole number from 0 to 65535"),
        ("KEEPWELL_DEBUG", "maybe", "1, yes, true or on"),
        ("KEEPWELL_ALLOWED_HOSTS", "*", "names or addresses"),
        ("KEEPWELL_ALLOWED_HOSTS", "a,,b", "names or addresses"),
        ("KEEPWELL_SECRET_KEY", "short", "at least 32"),
        ("KEEPWELL_MAIL_SECURITY", "ssl", "one of starttls, tls, none"),
        ("KEEPWELL_PUBLIC_URL", "keepwell.example", "an address such as https://keepwell.example"),
        ("KEEPWELL_PUBLIC_URL", "https://ada:pw@keepwell.example", "an address such as https://keepwell.example"),
        ("KEEPWELL_ALLOW_PRIVATE_TARGETS", "perhaps", "1, yes, true or on"),
        ("KEEPWELL_CALENDAR_ZONE", "Europe/Berln", r"a time zone such as Europe/Berlin or UTC\. Did you mean .*\?$"),
        ("KEEPWELL_CALENDAR_COUNTRY", "Germany", "the code of a country such as DE, or DE-BY"),
        ("KEEPWELL_CALENDAR_COUNTRY", "DE-XX", "DE alone or with one of its subdivisions: BB, BE"),
        ("KEEPWELL_CALENDAR_HOURS", "9 to 5", "opening hours that begin before they end, such as 09:00-17:00"),
    ],
)
def test_nonsense_names_the_setting_and_what_was_expected(name: str, value: str, expected: str) -> None:
    with pytest.raises(SettingError, match=expected) as refused:
        read_settings({name: value}, {}, "keepwell.toml")
    assert name in str(refused.value)


def test_the_calendar_of_the_team_comes_from_the_settings() -> None:
    assert read_settings({}, {}, "keepwell.toml").calendar == Calendar()
    written = {"calendar_zone": "Asia/Riyadh", "calendar_country": "SA", "calendar_hours": "08:30 - 24:00"}
    assert read_settings({}, written, "keepwell.toml").calendar == Calendar(
        zone="Asia/Riyadh", country="SA", opens=time(8, 30), closes=time(0)
    )


def test_links_lead_to_the_public_address_or_to_where_the_pages_are_served() -> None:
    assert read_settings({}, {}, "keepwell.toml").pages == "http://127.0.0.1:8000"
    public = read_settings({"KEEPWELL_PUBLIC_URL": "https://pulse.example/kw/"}, {}, "keepwell.toml")
    assert public.pages == "https://pulse.example/kw"


def test_a_mail_host_needs_a_sender_and_its_password_is_not_shown() -> None:
    with pytest.raises(SettingError, match="KEEPWELL_MAIL_SENDER is missing"):
        read_settings({"KEEPWELL_MAIL_HOST": "mail.example"}, {}, "keepwell.toml")
    assert "hunter2" not in repr(Settings(mail_password="hunter2"))


def test_a_misspelt_setting_gets_the_nearest_name() -> None:
    with pytest.raises(SettingError, match="Did you mean 'allowed_hosts'"):
        read_settings({}, {"allowed_host": "x"}, "keepwell.toml")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "keepwell.toml").write_text("port = = 1")
    with pytest.raises(SettingError, match=r"keepwell\.toml"):
        load_settings({"KEEPWELL_HOME": str(tmp_path)})


@pytest.mark.parametrize("secret", ["changeme" * 5, "django-insecure-" + LONG, "only-for-development-" + LONG])
def test_a_key_that_everybody_knows_is_refused(secret: str) -> None:
    with pytest.raises(SettingError, match="everybody knows"):
        read_settings({"KEEPWELL_SECRET_KEY": secret}, {}, "keepwell.toml")


@pytest.mark.parametrize("switch", ["debug", "demo"])
def test_debug_and_demo_stay_on_this_machine(switch: str) -> None:
    settings = Settings(**{switch: True})  # type: ignore[arg-type]
    refuse_unsafe(settings, "127.0.0.1")
    for host in ("0.0.0.0", "::", "192.0.2.1", "pulse.example"):
        with pytest.raises(SettingError, match=host):
            refuse_unsafe(settings, host)
    with pytest.raises(SettingError, match="pulse"):
        read_settings({f"KEEPWELL_{switch.upper()}": "1", "KEEPWELL_ALLOWED_HOSTS": "pulse.example"}, {}, "x")


def test_the_key_of_a_home_is_random_and_only_for_its_owner(tmp_path: Path) -> None:
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        create_home(home)
        create_home(home)
    keys = [load_settings({"KEEPWELL_HOME": str(home)}).secret_key for home in homes]
    assert keys[0] != keys[1]
    assert all(len(key) >= 60 for key in keys)
    assert (homes[0] / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_state_is_sqlite_that_survives_a_power_cut_or_postgresql(tmp_path: Path) -> None:
    embedded = database(Settings(home=tmp_path))
    assert embedded["NAME"] == tmp_path / "state.sqlite3"
    assert embedded["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        assert pragma in embedded["OPTIONS"]["init_command"]
    server = database(Settings(database_url="postgresql://ada:p%40ss@db.example:5433/pulse"))
    assert [server[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "ada",
        "p@ss",
        "db.example",
        5433,
        "pulse",
    ]


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://host", "postgresql://u:secret@h:port/d", "nonsense"])
def test_another_database_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(SettingError, match="postgresql://name") as refused:
        database(Settings(database_url=url))
    assert "secret" not in str(refused.value)


def test_every_setting_is_described() -> None:
    rows = described()
    assert len({name for name, _, _ in rows}) == len(rows) == 26
    assert all(text.endswith(".") for _, _, text in rows)
