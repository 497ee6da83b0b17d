"""Keys: made once, shown once, kept as a digest, and ended.

`ing` and `srv` keys send events for one source; `red` and `adm` keys ask the API. A key is its kind, "_" and 43
characters that stand for 256 random bits.
"""

import hashlib
import ipaddress
import logging
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote

from django.db import transaction
from django.db.models import Q

from keepwell.base.errors import UserError, nearest
from keepwell.jobs.audit import record_act
from keepwell.jobs.secret import PULL_MARK, Vault, place_of
from keepwell.jobs.source import HTTP, find_source
from keepwell.store.models import ApiKey, Source

logger = logging.getLogger("keepwell.jobs")

SENDING: Final = ("ing", "srv")
ASKING: Final = ("red", "adm")
PREFIX_CHARACTERS: Final = 8
LONGEST_ADM: Final = timedelta(days=90)
# What a key of the API may be allowed: resource and deed. A red key reads only.
SCOPES: Final = (
    "accounts:read",
    "accounts:write",
    "alerts:read",
    "alerts:write",
    "enrolments:read",
    "milestones:read",
    "milestones:write",
    "opportunities:read",
    "opportunities:write",
    "rules:read",
    "segments:read",
    "sending:read",
    "sending:write",
    "sources:read",
    "sources:write",
    "tasks:read",
    "tasks:write",
    "today:read",
    "touches:read",
    "touches:write",
)

_TEXT: Final = re.compile(r"(?<![A-Za-z])(?:ing|srv|red|adm)_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_TEXT_BYTES: Final = re.compile(_TEXT.pattern.encode())


@dataclass(frozen=True, slots=True)
class Held:
    """A key as the door needs it. `source_id` is 0 and `source_name` "" for keys that ask the API."""

    id: int
    kind: str
    source_id: int
    source_name: str
    prefix: str
    scopes: frozenset[str]
    addresses: tuple[str, ...]
    expires_at: datetime | None
    created_by: str

    @property
    def name(self) -> str:
        """How the key is called where it must not be shown."""
        return f"{self.kind}_{self.prefix}"

    @property
    def is_trusted(self) -> bool:
        return self.kind == "srv"

    def may_come_from(self, address: str) -> bool:
        """True where the key has no list of addresses, or this one is in it."""
        if not self.addresses:
            return True
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in ipaddress.ip_network(network) for network in self.addresses)


def read_key(text: str, *, now: datetime) -> Held | None:
    """The key with this text; None where it is unknown, revoked or expired, or its source was stopped."""
    if not _TEXT.fullmatch(text):
        return None
    key = ApiKey.objects.select_related("source").filter(digest=digest_of(text), revoked_at=None).first()
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.source is not None and not key.source.is_active:
        return None
    return Held(
        id=key.pk,
        kind=key.kind,
        source_id=key.source.pk if key.source else 0,
        source_name=key.source.name if key.source else "",
        prefix=key.prefix,
        scopes=frozenset(key.scopes),
        addresses=tuple(key.addresses),
        expires_at=key.expires_at,
        created_by=key.created_by,
    )


def keys_in(text: str) -> list[str]:
    """Whatever looks like a key in an address, which must not hold one; percent signs are undone first."""
    return _TEXT.findall(unquote(text))


def without_keys(body: bytes) -> bytes:
    """What came in, with stars in place of whatever looks like a key, so that it may be kept and shown."""
    return _TEXT_BYTES.sub(b"***", body)


def secrets_of(connector: str, name: str | None, *, vault: Vault) -> list[tuple[Source, list[str]]]:
    """Running sources of a connector, or the one of that name, with their secrets, the newest first.

    One whose secrets cannot be decrypted has none, so that its trouble is not that of the others.
    """
    rows = Source.objects.filter(connector=connector, is_active=True)
    if name is not None:
        rows = rows.filter(name=name)
    return [(source, _readable(source, vault)) for source in rows.order_by("pk")]


def _readable(source: Source, vault: Vault) -> list[str]:
    try:
        found = vault.decrypt_list(source.secrets, place_of(source.name))
    except UserError as error:
        logger.error("%s", error)
        return []
    # What signs in at the other system checks nothing that comes from there.
    return [text for text in found if not text.startswith(PULL_MARK)]


def digest_of(text: str) -> str:
    """What is kept of a key. It is random, so a plain hash tells nothing of it."""
    return hashlib.sha256(text.encode()).hexdigest()


def do_create_key(
    kind: str,
    *,
    source: str | None = None,
    scopes: Collection[str] | None = None,
    addresses: Sequence[str] = (),
    lifetime: timedelta | None = None,
    note: str = "",
    by: str,
    now: datetime,
) -> tuple[ApiKey, str]:
    """A new key and its text, which is nowhere afterwards."""
    _check_kind(kind, source)
    text = f"{kind}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            kind=kind,
            prefix=text[4 : 4 + PREFIX_CHARACTERS],
            digest=digest_of(text),
            source=_open_source(source) if source is not None else None,
            scopes=_scopes(kind, scopes),
            addresses=_networks(kind, addresses),
            note=note.strip()[:200],
            created_at=now,
            created_by=by,
            expires_at=_expiry(kind, lifetime, now),
        )
        details = {
            "key": str(key),
            "source": source,
            "scopes": key.scopes,
            "addresses": key.addresses,
            "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        }
        record_act("create_key", f"key:{key.pk}", details, by=by, now=now)
    return key, text


def do_revoke_key(name: str, *, by: str, now: datetime) -> ApiKey:
    """End a key by how it is called, such as ing_Ab3dEf9h; whoever holds it is refused from now on."""
    with transaction.atomic():
        key = _found(name)
        if key.revoked_at is not None:
            raise UserError(f"The key {key} was revoked on {key.revoked_at:%d %b %Y}; nothing is left to do.")
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        record_act("revoke_key", f"key:{key.pk}", {"key": str(key)}, by=by, now=now)
    return key


def do_note_leak(text: str, *, where: str, now: datetime) -> None:
    """Flag the key of this text, once; it was seen where others can read it. An unknown one changes nothing."""
    with transaction.atomic():
        key = ApiKey.objects.filter(digest=digest_of(text), leaked_at=None).first()
        if key is None:
            return
        key.leaked_at = now
        key.save(update_fields=["leaked_at"])
        record_act("note_leak", f"key:{key.pk}", {"key": str(key), "where": where}, by=f"key:{key}", now=now)


def do_note_limit(held: Held, *, limit: str, now: datetime) -> None:
    """A key asked more often than it may; call it at most once an hour and key."""
    with transaction.atomic():
        record_act("exceed_limit", f"key:{held.id}", {"key": held.name, "limit": limit}, by=f"key:{held.name}", now=now)


def do_note_use(keys: Iterable[int], *, now: datetime) -> None:
    """When these keys were last used; derived, so no act is recorded. Once a minute is often enough."""
    ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=now), pk__in=list(keys)).update(last_used_at=now)


def _check_kind(kind: str, source: str | None) -> None:
    if kind not in (*SENDING, *ASKING):
        raise UserError(
            f"{kind!r} is not a kind of key; expected ing (browsers), srv (servers), red (reads) or adm (manages)."
        )
    if kind in SENDING and source is None:
        raise UserError(f"A key of kind {kind} sends for one source; name it, as in --source web-app.")
    if kind in ASKING and source is not None:
        raise UserError(f"A key of kind {kind} asks the API and belongs to no source; leave the source out.")


def _open_source(name: str) -> Source:
    found = find_source(name)
    if not found.is_active:
        raise UserError(f"The source {name!r} was stopped; resume it by 'keepwell source resume {name}' first.")
    if found.connector != HTTP:
        raise UserError(
            f"The source {name!r} comes in by the connector {found.connector!r}, "
            "which checks signatures; it needs no key."
        )
    return found


def _scopes(kind: str, asked: Collection[str] | None) -> list[str]:
    allowed = [scope for scope in SCOPES if kind == "adm" or (kind == "red" and scope.endswith(":read"))]
    if asked is None:
        return allowed
    for scope in asked:
        if scope not in allowed:
            hint = nearest(scope, allowed) or f" Expected some of {', '.join(allowed) or 'none'}."
            raise UserError(f"A key of kind {kind} cannot have the scope {scope!r}.{hint}")
    return sorted(set(asked))


def _networks(kind: str, asked: Sequence[str]) -> list[str]:
    found = []
    for address in asked:
        try:
            found.append(str(ipaddress.ip_network(address.strip(), strict=False)))
        except ValueError:
            raise UserError(
                f"{address!r} is not an address; expected one such as 203.0.113.7 or 203.0.113.0/24."
            ) from None
    if kind == "adm" and not found:
        raise UserError(
            "A key of kind adm needs the addresses that it may be used from; expected e.g. --address 203.0.113.0/24."
        )
    return found


def _expiry(kind: str, lifetime: timedelta | None, now: datetime) -> datetime | None:
    if lifetime is not None and lifetime <= timedelta(0):
        raise UserError("A key must be good for at least one day.")
    if kind == "adm" and (lifetime or LONGEST_ADM) > LONGEST_ADM:
        raise UserError(
            f"A key of kind adm is good for at most {LONGEST_ADM.days} days; make a new one before it ends."
        )
    if kind == "adm" and lifetime is None:
        lifetime = LONGEST_ADM
    return None if lifetime is None else now + lifetime


def _found(name: str) -> ApiKey:
    kind, _, rest = name.strip().partition("_")
    rows = list(ApiKey.objects.filter(kind=kind, prefix=rest[:PREFIX_CHARACTERS]).order_by("revoked_at", "pk"))
    if not rows:
        names = [str(key) for key in ApiKey.objects.all()]
        raise UserError(f"There is no key {name[:12]!r}.{nearest(name, names)} 'keepwell key list' shows all of them.")
    return next((key for key in rows if key.revoked_at is None), rows[0])
