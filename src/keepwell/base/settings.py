"""Every setting: its name, its default and what it is for.

A setting comes from the environment or from `keepwell.toml` in the home folder; the environment wins.
Only `web` and `cli` read settings; everything below is handed what it needs.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path

from keepwell.base.business_time import Calendar, read_country, read_hours
from keepwell.base.errors import SettingError, nearest, or_nearest
from keepwell.base.wall_time import read_zone

SHORTEST_SECRET = 32
KNOWN_SECRETS = ("changeme", "change-me", "secret", "insecure", "only-for-development", "your-secret-key")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def _words(
    name: str, about: str, *, most: int = 65_535, check: Callable[[str], object] | None = None
) -> dict[str, object]:
    """Metadata of a field read from the environment variable `name`; `about` is the text of the docs.

    `most` is the largest number that a setting of a whole number may have; `check` says by a ValueError what it
    expected of a text.
    """
    return {"name": name, "about": about, "most": most, "check": check}


def _address(text: str) -> None:
    if text and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError("an address such as https://keepwell.example")


def _selector(text: str) -> None:
    if text and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*", text):
        raise ValueError("a name such as keepwell or mail.2026")


def _one_of(*words: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if text not in words:
            raise ValueError(or_nearest(f"one of {', '.join(words)}", text, words))

    return check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field per setting, checked."""

    home: Path = field(
        default=Path("keepwell-data"),
        metadata=_words(
            "KEEPWELL_HOME", "Folder of the state database, the event log, the packages and the secret key."
        ),
    )
    database_url: str = field(
        default="",
        metadata=_words(
            "DATABASE_URL",
            "State database, such as postgresql://name:password@host/keepwell; empty for SQLite in the home folder.",
        ),
    )
    secret_key: str = field(
        default="",
        metadata=_words(
            "KEEPWELL_SECRET_KEY",
            "Signs sessions; at least 32 characters. Empty for the key that keepwell init made in the home folder.",
        ),
    )
    encryption_key: str = field(
        default="",
        metadata=_words(
            "KEEPWELL_ENCRYPTION_KEY",
            "Encrypts the secrets of sources; at least 32 characters each, the newest first, older ones behind commas. "
            "Empty for a key in the home folder.",
        ),
    )
    host: str = field(default="127.0.0.1", metadata=_words("KEEPWELL_HOST", "Address that keepwell serve listens on."))
    port: int = field(
        default=8000,
        metadata=_words("KEEPWELL_PORT", "Port that keepwell serve listens on, 1 to 65535; 0 for any free one."),
    )
    intake_requests_a_minute: int = field(
        default=1000,
        metadata=_words(
            "KEEPWELL_INTAKE_REQUESTS_A_MINUTE",
            "Requests that one key may send to the intake in a minute; beyond them the answer is 429. 1 to 10000000.",
            most=10_000_000,
        ),
    )
    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata=_words(
            "KEEPWELL_ALLOWED_HOSTS",
            "Names under which the pages may be asked for, separated by commas; loopback names always may.",
        ),
    )
    https: bool = field(
        default=False,
        metadata=_words(
            "KEEPWELL_HTTPS", "Whether browsers reach the pages by https: secure cookies, and no plain http."
        ),
    )
    trusted_proxies: tuple[str, ...] = field(
        default=(),
        metadata=_words(
            "KEEPWELL_TRUSTED_PROXIES",
            "Addresses whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas.",
        ),
    )
    debug: bool = field(
        default=False, metadata=_words("KEEPWELL_DEBUG", "Show tracebacks in the browser; refused beyond loopback.")
    )
    demo: bool = field(
        default=False,
        metadata=_words(
            "KEEPWELL_DEMO", "Sign visitors from this machine in to the demo company; needs a home of keepwell demo."
        ),
    )
    calendar_zone: str = field(
        default="UTC",
        metadata=_words("KEEPWELL_CALENDAR_ZONE", "Time zone of the team, such as Europe/Berlin.", check=read_zone),
    )
    calendar_country: str = field(
        default="",
        metadata=_words(
            "KEEPWELL_CALENDAR_COUNTRY",
            "Country whose weekend and holidays the team keeps, such as DE, or DE-BY with a subdivision; empty for "
            "Saturday and Sunday without holidays.",
            check=read_country,
        ),
    )
    calendar_hours: str = field(
        default="09:00-17:00",
        metadata=_words(
            "KEEPWELL_CALENDAR_HOURS",
            "Opening hours of the team on its working days; 24:00 is the end of the day.",
            check=read_hours,
        ),
    )
    public_url: str = field(
        default="",
        metadata=_words(
            "KEEPWELL_PUBLIC_URL",
            "Address of the pages for links in messages, such as https://keepwell.example; empty for host and port.",
            check=_address,
        ),
    )
    mail_host: str = field(
        default="", metadata=_words("KEEPWELL_MAIL_HOST", "Mail server that members are told by; empty for none.")
    )
    mail_port: int = field(default=587, metadata=_words("KEEPWELL_MAIL_PORT", "Port of the mail server, 1 to 65535."))
    mail_security: str = field(
        default="starttls",
        metadata=_words(
            "KEEPWELL_MAIL_SECURITY",
            "starttls, tls, or none for a server on this machine.",
            check=_one_of("starttls", "tls", "none"),
        ),
    )
    mail_sender: str = field(
        default="",
        metadata=_words("KEEPWELL_MAIL_SENDER", "Address that mail comes from, such as keepwell@ours.example."),
    )
    mail_login: str = field(
        default="", metadata=_words("KEEPWELL_MAIL_LOGIN", "Name to sign in with at the mail server; empty for none.")
    )
    mail_password: str = field(
        default="",
        repr=False,
        metadata=_words("KEEPWELL_MAIL_PASSWORD", "Password to sign in with at the mail server."),
    )
    mail_dkim_selector: str = field(
        default="",
        metadata=_words(
            "KEEPWELL_MAIL_DKIM_SELECTOR",
            "Name under which the sender's domain publishes the key that mail is signed with; empty for no signature.",
            check=_selector,
        ),
    )
    mail_dkim_key_file: str = field(
        default="",
        metadata=_words("KEEPWELL_MAIL_DKIM_KEY_FILE", "File of that RSA key, as PEM, without a password."),
    )
    heartbeat_url: str = field(
        default="",
        metadata=_words(
            "KEEPWELL_HEARTBEAT_URL",
            "Address of an outside monitor that the worker asks for every minute while nothing stalls, such as "
            "https://hc-ping.com/…; empty for none.",
            check=_address,
        ),
    )
    allow_private_targets: bool = field(
        default=False,
        metadata=_words(
            "KEEPWELL_ALLOW_PRIVATE_TARGETS",
            "Let messages go to hooks in private networks and without https; only where you trust every admin.",
        ),
    )

    @property
    def pages(self) -> str:
        """The address of the pages, for links, without a slash at its end."""
        return self.public_url.rstrip("/") or f"{'https' if self.https else 'http'}://{self.host}:{self.port}"

    @property
    def calendar(self) -> Calendar:
        """When the team works."""
        opens, closes = read_hours(self.calendar_hours)
        return Calendar(zone=self.calendar_zone, country=self.calendar_country, opens=opens, closes=closes)


def read_settings(environment: Mapping[str, str], file: Mapping[str, object], file_name: str) -> Settings:
    """Settings from both sources; every problem is named with the values that were expected."""
    known = {_name(item): item for item in fields(Settings)}
    _refuse_unknown(file, known, file_name)
    values: dict[str, object] = {}
    for name, item in known.items():
        if environment.get(name):
            values[item.name] = _parsed(name, environment[name], item)
        elif item.name in file:
            values[item.name] = _parsed(f"{file_name}: {item.name}", file[item.name], item)
    settings = Settings(**values)  # type: ignore[arg-type]  # each value went through the parser of its field
    if settings.mail_host and not settings.mail_sender:
        raise SettingError(
            "KEEPWELL_MAIL_SENDER is missing; expected the address that mail comes from, or no mail host."
        )
    if bool(settings.mail_dkim_selector) != bool(settings.mail_dkim_key_file):
        raise SettingError(
            "KEEPWELL_MAIL_DKIM_SELECTOR and KEEPWELL_MAIL_DKIM_KEY_FILE belong together; expected both, or none."
        )
    refuse_unsafe(settings, settings.host)
    return settings


def refuse_unsafe(settings: Settings, host: str) -> None:
    """Raise for settings that must never serve on this address."""
    _refuse_known_secret(settings.secret_key)
    beyond = [name for name in (host, *settings.allowed_hosts) if not is_loopback(name)]
    if settings.debug and beyond:
        raise SettingError(
            f"KEEPWELL_DEBUG is on and the pages would be reachable as {beyond[0]!r}; tracebacks show secrets. "
            "Turn it off, or serve on 127.0.0.1 only."
        )
    if settings.demo and beyond:
        raise SettingError(
            f"KEEPWELL_DEMO signs everybody in and the pages would be reachable as {beyond[0]!r}; "
            "expected 127.0.0.1, ::1 or localhost."
        )


def is_loopback(host: str) -> bool:
    """True for the names and addresses of this machine itself."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def described() -> Sequence[tuple[str, str, str]]:
    """Name, default and text of every setting, in the order of the docs."""
    return [(_name(item), _shown(item.default), str(item.metadata["about"])) for item in fields(Settings)]


def _name(item: "Field[object]") -> str:
    return str(item.metadata["name"])


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return ", ".join(default) if isinstance(default, tuple) else str(default)


def _refuse_unknown(file: Mapping[str, object], known: Mapping[str, "Field[object]"], file_name: str) -> None:
    allowed = [item.name for item in known.values()]
    for key in file:
        if key not in allowed:
            hint = nearest(key, allowed) or f" Expected one of {', '.join(allowed)}."
            raise SettingError(f"{file_name}: unknown setting {key!r}.{hint}")


def _refuse_known_secret(secret: str) -> None:
    if not secret:
        return
    if any(known in secret.lower() for known in KNOWN_SECRETS):
        raise SettingError("KEEPWELL_SECRET_KEY is a value that everybody knows; expected a random one of your own.")
    if len(secret) < SHORTEST_SECRET:
        raise SettingError(
            f"KEEPWELL_SECRET_KEY has {len(secret)} characters; expected at least {SHORTEST_SECRET} random ones."
        )


def _parsed(where: str, value: object, item: "Field[object]") -> object:
    parser = _PARSERS[type(item.default)]
    try:
        found = _whole(value, item.metadata["most"]) if parser is None else parser(value)
        if item.metadata["check"] is not None:
            item.metadata["check"](found)
        return found
    except ValueError as error:
        expected = str(error)
        raise SettingError(
            f"{where} is {value!r}; expected {expected}{'' if expected.endswith('?') else '.'}"
        ) from None


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise ValueError("1, yes, true or on; 0, no, false or off")
    return found


def _whole(value: object, most: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if isinstance(value, bool) or not 0 <= number <= most:
        raise ValueError(f"a whole number from 0 to {most}")
    return number


def _names(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else str(value).split(",")
    found = tuple(str(part).strip() for part in parts)
    if not all(found) or any(" " in part or "/" in part or "*" in part for part in found):
        raise ValueError("names or addresses separated by commas, without blanks, slashes or stars")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


# A whole number is read with the limit of its own field.
_PARSERS: Mapping[type, Callable[[object], object] | None] = {
    bool: _switch,
    int: None,
    tuple: _names,
    str: _text,
    type(Path()): lambda value: Path(_text(value)).expanduser(),
}
