"""Packages on disk, and publishing their health models."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction

from keepwell.base.errors import UserError, nearest
from keepwell.base.home import Home
from keepwell.facts.catalogue import Catalogue
from keepwell.health.load import HEADER, load_package
from keepwell.health.package import Package, PackageText
from keepwell.jobs.audit import record_act
from keepwell.lake.log import EventLog
from keepwell.lake.snapshot import PropertyColumn
from keepwell.playbooks.check import load_valid_with_playbooks
from keepwell.store.models import ModelVersion

SHIPPED: Final = Path(__file__).parent.parent / "models"
# The files of a package; what else lies in its folder, such as cases, is not published.
FILES: Final = ("*.yaml", "playbooks/*.yaml", "templates/*.yaml", "templates/*.md")
# The sub-folders with the cases of its signals and of its playbooks.
CASES: Final = "cases"
PLAYBOOK_CASES: Final = "playbook_cases"


def read_texts(home: Home) -> dict[str, PackageText]:
    """Every package that is there, by id: the shipped ones, and those of the home, which win."""
    found: dict[str, PackageText] = {}
    for root in (SHIPPED, home.packages):
        for header in sorted(root.glob(f"*/{HEADER}")):
            folder = header.parent
            found[folder.name] = read_folder(folder, f"{root.name}/{folder.name}")
    return found


def read_folder(folder: Path, shown: str) -> PackageText:
    """The files of one package; `shown` is what messages call the folder."""
    if not (folder / HEADER).is_file():
        raise UserError(f"{folder} holds no {HEADER}. Name the folder of a package.")
    files: dict[str, str] = {}
    for path in _files_of(folder):
        files[path.relative_to(folder).as_posix()] = read_utf8(path)
    return PackageText(shown, files)


def read_utf8(path: Path) -> str:
    """The text of a file, or a refusal that says which byte is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 (byte {error.start}). Save the file as UTF-8.") from error


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for pattern in FILES for path in folder.glob(pattern))


def _cases_of(folder: Path) -> list[Path]:
    return sorted(path for name in (CASES, PLAYBOOK_CASES) for path in folder.glob(f"{name}/*.yaml"))


def named_text(texts: Mapping[str, PackageText], package_id: str) -> PackageText:
    """The files of one of these packages."""
    if package_id not in texts:
        known = ", ".join(sorted(texts))
        raise UserError(f"There is no package '{package_id}'.{nearest(package_id, sorted(texts))} There are: {known}.")
    return texts[package_id]


def find_text(home: Home, package: str) -> tuple[PackageText, dict[str, PackageText]]:
    """The files of a package given by id or by folder, and every package it may extend."""
    texts = read_texts(home)
    folder = Path(package)
    if package not in texts and folder.is_dir():
        return read_folder(folder, package.rstrip("/")), texts
    return named_text(texts, package), texts


def find_folder(home: Home, package: str) -> Path:
    """Where the files that `find_text` reads lie."""
    places = [root / package for root in (home.packages, SHIPPED)]
    return next((place for place in places if (place / HEADER).is_file()), Path(package))


def do_install_package(home: Home, folder: Path, *, by: str, now: datetime) -> str:
    """Copy a package into the home, in place of an earlier copy, and give its id; with an error nothing is copied.

    Its cases go with it.
    """
    text = read_folder(folder, str(folder))
    package, _ = load_valid_with_playbooks(text, read_texts(home))
    target = home.packages / package.id
    cases = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _cases_of(folder)}
    files = {**{name: content.encode() for name, content in text.files.items()}, **cases}
    with transaction.atomic():
        for path in (*_files_of(target), *_cases_of(target)):
            path.unlink()
        for name, content in files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)
        record_act("package_installed", package.id, {"files": sorted(files)}, by=by, now=now)
    return package.id


def named_package(texts: Mapping[str, PackageText], package_id: str) -> Package:
    """One of these packages, or everything that is wrong in it."""
    return load_package(named_text(texts, package_id), texts)


def do_publish_package(
    home: Home, package_id: str, *, note: str, by: str, now: datetime
) -> tuple[list[ModelVersion], list[ModelVersion]]:
    """Publish each health model of a package whose text differs from its newest version.

    Gives the new versions and the unchanged ones. A package with errors is refused whole. Properties that
    the package declares become columns of the log, filled from history.
    """
    texts = read_texts(home)
    package, _ = load_valid_with_playbooks(named_text(texts, package_id), texts)
    ready_log(home, log_columns(package.catalogue))
    lineage = (package.id, *package.ancestors)
    text = {f"{name}/{file}": content for name in lineage for file, content in texts[name].files.items()}
    digest = hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest()
    new: list[ModelVersion] = []
    same: list[ModelVersion] = []
    with transaction.atomic():
        for model_id in package.models:
            model = f"{package.id}/{model_id}"
            newest = ModelVersion.objects.filter(model=model).order_by("-number").first()
            if newest is not None and newest.digest == digest:
                same.append(newest)
                continue
            number = newest.number + 1 if newest else 1
            version = ModelVersion.objects.create(
                model=model, number=number, digest=digest, text=text, note=note, published_at=now, published_by=by
            )
            record_act("model_published", model, {"version": number, "digest": digest, "note": note}, by=by, now=now)
            new.append(version)
    return new, same


def newest_versions(model: str | None = None) -> list[ModelVersion]:
    """The newest version of every published model, or of one."""
    rows = ModelVersion.objects.order_by("model", "number")
    found = {version.model: version for version in (rows.filter(model=model) if model else rows)}
    return list(found.values())


def ready_log(home: Home, properties: Mapping[str, PropertyColumn]) -> None:
    """Make the event log where it is missing, and give it a column for each property it lacks."""
    log = EventLog(home.log)
    if log.exists() and not properties.keys() - log.properties().keys():
        return
    # Nobody seals meanwhile: rows that were made for the columns of before would not fit those of after.
    with log.sealing():
        if not log.exists():
            log.create(properties)
        elif properties.keys() - log.properties().keys():
            log.compact(properties)


def log_columns(catalogue: Catalogue) -> dict[str, PropertyColumn]:
    return {name: "text" if declared == "text" else "number" for name, declared in catalogue.property_types().items()}
