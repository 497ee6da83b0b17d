"""Secrets of others at rest: AES-256-GCM under a key that is not in the database.

The keys are, the newest first: those of KEEPWELL_ENCRYPTION_KEY, or else those of the file `encryption_keys` in
the home folder and the one derived from the home's secret key. Each encrypted text names its key, so that several
can be in use while `do_rotate_secrets` moves everything to the newest.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import transaction

from keepwell.base.errors import SettingError, UserError
from keepwell.base.settings import SHORTEST_SECRET, Settings
from keepwell.jobs.audit import record_act
from keepwell.store.models import NotificationRoute, Source

# How a secret begins that signs in at another system; without it, it checks what that system sends.
PULL_MARK: Final = "pull:"
KEYS_FILE: Final = "encryption_keys"
_FORM: Final = "v1"
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Vault:
    """Encrypts with `newest` and decrypts with whichever key a text names; never shows a key."""

    newest: str
    keys: Mapping[str, bytes] = field(repr=False)

    def encrypt(self, text: str, place: str) -> str:
        """`place` names the row it is for; the result cannot be decrypted as that of another row."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self.keys[self.newest]).encrypt(nonce, text.encode(), place.encode())
        return f"{_FORM}:{self.newest}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, text: str, place: str) -> str:
        form, _, rest = text.partition(":")
        key_id, _, body = rest.partition(":")
        if form != _FORM or key_id not in self.keys:
            raise UserError(
                f"The secret of {place} was encrypted with the key {key_id!r}, which is not there; expected it in "
                f"KEEPWELL_ENCRYPTION_KEY or in the home folder's {KEYS_FILE}. "
                "Bring the key back, or enter the secret anew."
            )
        try:
            data = base64.urlsafe_b64decode(body)
            return AESGCM(self.keys[key_id]).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError):
            raise UserError(
                f"The secret of {place} was changed in the database, or belongs to another place; enter it anew."
            ) from None

    def encrypt_list(self, texts: Sequence[str], place: str) -> str:
        """ "" for no text at all."""
        return self.encrypt(json.dumps(list(texts)), place) if texts else ""

    def decrypt_list(self, text: str, place: str) -> list[str]:
        return [str(item) for item in json.loads(self.decrypt(text, place))] if text else []


def open_vault(settings: Settings) -> Vault:
    """The vault of a home. Open it anew for each use that is seconds apart: a rotation changes the file of keys."""
    materials = _configured(settings) or [*_kept(settings.home), settings.secret_key]
    keys = {_key_id(key): key for key in map(_derived, materials)}
    return Vault(newest=next(iter(keys)), keys=keys)


def do_rotate_secrets(settings: Settings, *, by: str, now: datetime) -> int:
    """Encrypt every secret anew and return of how many sources; afterwards the older keys are needed no more.

    The targets of routes go along.

    Without KEEPWELL_ENCRYPTION_KEY a fresh key is made first. Cut off at any point, every secret can be read
    still: older keys leave the file only after everything was encrypted with the newest. The one before stays
    there until the next rotation, for whoever opened the vault a moment ago.
    """
    if not _configured(settings):
        _keep(settings.home, [secrets.token_urlsafe(32), *_kept(settings.home)])
    vault = open_vault(settings)
    with transaction.atomic():
        sources = list(Source.objects.select_for_update().exclude(secrets=""))
        for source in sources:
            place = place_of(source.name)
            source.secrets = vault.encrypt(vault.decrypt(source.secrets, place), place)
        Source.objects.bulk_update(sources, ["secrets"])
        routes = list(NotificationRoute.objects.select_for_update().exclude(target=""))
        for route in routes:
            place = place_of_route(route.pk)
            route.target = vault.encrypt(vault.decrypt(route.target, place), place)
        NotificationRoute.objects.bulk_update(routes, ["target"])
        count = len(sources) + len(routes)
        record_act("rotate_secrets", f"key:{vault.newest}", {"secrets": count}, by=by, now=now)
    if not _configured(settings):
        _keep(settings.home, _kept(settings.home)[:2])
    return len(sources)


def place_of(source_name: str) -> str:
    return f"source {source_name}"


def place_of_route(number: int) -> str:
    return f"route {number}"


def _configured(settings: Settings) -> list[str]:
    found = [part.strip() for part in settings.encryption_key.split(",") if part.strip()]
    if any(len(part) < SHORTEST_SECRET for part in found):
        raise SettingError(
            f"KEEPWELL_ENCRYPTION_KEY holds a key of fewer than {SHORTEST_SECRET} characters; "
            "expected random ones, the newest first, separated by commas."
        )
    return found


def _kept(home: Path) -> list[str]:
    try:
        return (home / KEYS_FILE).read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []


def _keep(home: Path, materials: Sequence[str]) -> None:
    """Replace the file as a whole; only its owner may read it."""
    path = home / KEYS_FILE
    fresh = path.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123  # the mode is set as the file is made
        file.write("".join(f"{material}\n" for material in materials))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _derived(material: str) -> bytes:
    """The material may sign sessions as well, so the key is one that only this purpose has."""
    return HKDF(SHA256(), length=32, salt=None, info=b"keepwell secrets at rest").derive(material.encode())


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"keepwell key id" + key).hexdigest()[:8]
