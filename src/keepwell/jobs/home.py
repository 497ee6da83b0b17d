"""The home folder: where state, log, packages and the secret key lie."""

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from keepwell.base.errors import SettingError, UserError
from keepwell.base.settings import Settings, read_settings

SECRET_FILE = "secret_key"  # noqa: S105  # the name of the file, not the key
DEMO_FILE = "demo_member"
FILE = "keepwell.toml"
DEFAULT = "keepwell-data"


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Settings of the home that the environment names; a home that is not there yet is no error."""
    home = Path(environment.get("KEEPWELL_HOME") or DEFAULT).expanduser()
    path = home / FILE
    settings = read_settings(environment, _read_file(path), str(path))
    secret = home / SECRET_FILE
    if not settings.secret_key and secret.is_file():
        settings = replace(settings, secret_key=secret.read_text(encoding="ascii").strip())
    return replace(settings, home=home.absolute())


def create_home(home: Path) -> None:
    """The folders and a fresh secret key that only its owner may read; what is there stays."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "packages").mkdir(exist_ok=True)
    try:
        handle = os.open(home / SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")


def mark_demo_home(home: Path, email: str) -> None:
    """From now on this home is a demo company, whose visitors may be signed in as this member."""
    (home / DEMO_FILE).write_text(email + "\n", encoding="utf-8")


def demo_email(home: Path) -> str | None:
    """The member to sign visitors in as, or None for a home that no demo made."""
    try:
        return (home / DEMO_FILE).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def require_home(settings: Settings) -> None:
    """Raise, with the next step, where `keepwell init` has not run."""
    if not settings.secret_key:
        raise UserError(
            f"There is no Keepwell home in {settings.home}: run 'keepwell init' there first, "
            "or set KEEPWELL_HOME to the folder that holds one."
        )
    if settings.demo and demo_email(settings.home) is None:
        raise SettingError(
            f"KEEPWELL_DEMO is on, and {settings.home} is not a demo company; "
            "run 'keepwell demo', or turn KEEPWELL_DEMO off."
        )


def _read_file(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path}: {error}. Expected lines such as: port = 8000") from None
