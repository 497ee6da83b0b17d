"""The state database: SQLite in the home folder, or what DATABASE_URL names."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from keepwell.base.errors import SettingError
from keepwell.base.settings import Settings

# The journal lets readers go on beside the one writer; FULL keeps what was committed through a power cut.
# IMMEDIATE asks for the write lock at the start, where waiting for it is possible.
SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536"
WAIT_S = 20
# Connections of one process; the intake's threads keep four for as long as they live. PostgreSQL takes a hundred.
POOLED = 24
# How long a request waits for one of them, and how long the pool itself goes on trying to connect: its pauses double
# meanwhile, so a database that comes back after long would be found as late again. Whoever asks next tries anew.
POOL_S = 5
RECONNECT_S = 2


def database(settings: Settings) -> dict[str, Any]:
    """Django's description of the state database."""
    if settings.database_url:
        return _by_url(settings.database_url)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": settings.home / "state.sqlite3",
        "OPTIONS": {"init_command": SQLITE_PRAGMAS, "transaction_mode": "IMMEDIATE", "timeout": WAIT_S},
    }


def _by_url(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
        # A Unix socket has a folder in place of a host, and an address has no room for that but here.
        folder = parse_qs(parts.query).get("host", [""])[0]
    except ValueError:
        parts, port, folder = urlsplit(""), None, ""
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgresql", "postgres"} or not name:
        # The address itself may hold a password, so it is not repeated.
        raise SettingError(
            "DATABASE_URL is not an address of a PostgreSQL database; "
            "expected postgresql://name:password@host:5432/database, or with a Unix socket "
            "postgresql://name@/database?host=/folder, "
            "or nothing for SQLite."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or folder,
        "PORT": port or "",
        # Each request runs in a thread of its own: what it used goes back to the pool with the answer.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 2, "max_size": POOLED, "timeout": POOL_S, "reconnect_timeout": RECONNECT_S}},
    }
