"""Sources: who sends events. Made, changed, stopped and resumed; never deleted, because events bear their names."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from keepwell.base.errors import UserError, nearest
from keepwell.base.registry import kinds
from keepwell.connectors import kinds as connector_kinds
from keepwell.connectors import pulls
from keepwell.connectors.connector import Connector
from keepwell.connectors.pull import URL, Pull
from keepwell.jobs.audit import record_act
from keepwell.jobs.secret import Vault, place_of
from keepwell.store.models import Source

HTTP: Final = "http"
MOST_SECRETS: Final = 5
SETTINGS_BYTES: Final = 16 * 1024
# The name is a part of an address and of every event's identity.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def known_connectors() -> list[str]:
    """What a source may come in by: "http" for whoever holds a key, and the kinds of connectors and of pulls."""
    return [HTTP, *sorted({*kinds(connector_kinds, Connector), *kinds(pulls, Pull)})]


def known_settings(connector: str) -> Mapping[str, str]:
    """The settings a source of this connector may have, each with a sentence about it."""
    hooks, asked = kinds(connector_kinds, Connector), kinds(pulls, Pull)
    found: dict[str, str] = {}
    if connector in hooks:
        found.update(hooks[connector].options)
    if connector in asked:
        found.update(asked[connector].options)
        found[URL] = "The address of the API that 'keepwell pull' asks, where it is not the usual one."
    return found


def do_create_source(
    name: str,
    *,
    connector: str = HTTP,
    settings: Mapping[str, object] | None = None,
    secrets: Sequence[str] = (),
    vault: Vault,
    by: str,
    now: datetime,
) -> Source:
    """A new source; `secrets` are what its connector checks or signs in with, the newest first."""
    name = _checked_name(name)
    known = known_connectors()
    if connector not in known:
        hint = nearest(connector, known)
        raise UserError(f"{connector!r} is not a connector; expected one of {', '.join(known)}.{hint}")
    with transaction.atomic():
        taken = Source.objects.filter(name__iexact=name).first()
        if taken is not None:
            raise UserError(f"There is a source {taken.name!r} already; 'keepwell source list' shows all of them.")
        source = Source.objects.create(
            name=name,
            connector=connector,
            settings=_checked_settings(connector, settings or {}),
            secrets=_encrypted(name, connector, secrets, vault),
            created_at=now,
            created_by=by,
        )
        details = {"name": name, "connector": connector, "settings": sorted(source.settings), "secrets": len(secrets)}
        record_act("create_source", f"source:{source.pk}", details, by=by, now=now)
    return source


def do_change_source(
    name: str,
    *,
    settings: Mapping[str, object] | None = None,
    secrets: Sequence[str] | None = None,
    vault: Vault,
    by: str,
    now: datetime,
) -> Source:
    """Settings given take the place of those of their name, None removes one; `secrets` replaces all of them."""
    with transaction.atomic():
        source = find_source(name)
        if settings is not None:
            merged = {**source.settings, **settings}
            source.settings = _checked_settings(
                source.connector, {key: value for key, value in merged.items() if value is not None}
            )
        if secrets is not None:
            source.secrets = _encrypted(source.name, source.connector, secrets, vault)
        source.save(update_fields=["settings", "secrets"])
        details = {
            "name": source.name,
            "settings": sorted(settings or ()),
            "secrets": None if secrets is None else len(secrets),
        }
        record_act("change_source", f"source:{source.pk}", details, by=by, now=now)
    return source


def do_stop_source(name: str, *, by: str, now: datetime) -> Source:
    """From now on its keys and deliveries are refused; what it sent stays."""
    return _switched(name, is_active=False, act="stop_source", by=by, now=now)


def do_resume_source(name: str, *, by: str, now: datetime) -> Source:
    """Its keys that were not revoked, and its deliveries, are taken again."""
    return _switched(name, is_active=True, act="resume_source", by=by, now=now)


def find_source(name: str) -> Source:
    """The source of that name; raises with the nearest one where there is none."""
    found = Source.objects.filter(name=name).first()
    if found is None:
        names = list(Source.objects.values_list("name", flat=True))
        raise UserError(f"There is no source {name!r}.{nearest(name, names)} 'keepwell source list' shows all of them.")
    return found


def _switched(name: str, *, is_active: bool, act: str, by: str, now: datetime) -> Source:
    with transaction.atomic():
        source = find_source(name)
        if source.is_active == is_active:
            raise UserError(f"The source {name!r} is {'running' if is_active else 'stopped'} already.")
        source.is_active = is_active
        source.save(update_fields=["is_active"])
        record_act(act, f"source:{source.pk}", {"name": source.name}, by=by, now=now)
    return source


def _checked_name(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name[:120]!r} cannot be the name of a source; expected at most 100 letters, digits, '.', '-' and '_', "
            "such as web-app. It cannot be changed later, because every event bears it."
        )
    return name


def _checked_settings(connector: str, settings: Mapping[str, object]) -> dict[str, object]:
    found = dict(settings)
    known = known_settings(connector)
    for name in found:
        if name not in known:
            hint = nearest(name, list(known)) or f" Expected {'one of ' + ', '.join(known) if known else 'none'}."
            raise UserError(f"A source of the connector {connector!r} has no setting {name!r}.{hint}")
    if len(json.dumps(found)) > SETTINGS_BYTES:
        raise UserError(f"The settings of a source may hold {SETTINGS_BYTES // 1024} KB; these hold more.")
    return found


def _encrypted(name: str, connector: str, secrets: Sequence[str], vault: Vault) -> str:
    if secrets and connector == HTTP:
        raise UserError(
            f"The source {name!r} comes in by http, with keys and without secrets; make one by "
            f"'keepwell key create --source {name} --kind srv'."
        )
    if not all(text.strip() for text in secrets) or len(secrets) > MOST_SECRETS:
        raise UserError(f"Expected 1 to {MOST_SECRETS} secrets, none of them empty; got {len(secrets)}.")
    return vault.encrypt_list(secrets, place_of(name))
