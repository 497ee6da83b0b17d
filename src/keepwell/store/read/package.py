"""Packages as they were when their health models were published."""

import json
from functools import lru_cache

from keepwell.health.health_model import HealthModel
from keepwell.health.load import load_package
from keepwell.health.package import Package, PackageText
from keepwell.signals.book import SignalBook
from keepwell.signals.load import load_signals
from keepwell.store.models import ModelVersion


def package_of(version: ModelVersion) -> Package:
    """The package of a version, with what it inherited then."""
    return _package(version.model.partition("/")[0], version.digest, json.dumps(version.text, sort_keys=True))


def model_of(version: ModelVersion) -> tuple[Package, HealthModel]:
    """The health model of a version and the package around it."""
    package = package_of(version)
    return package, package.models[version.model.rpartition("/")[2]]


def signals_of(version: ModelVersion) -> SignalBook:
    """The signal rules of a version's package, as they were when it was published."""
    return _signals(version.model.partition("/")[0], version.digest, json.dumps(version.text, sort_keys=True))


def signals_about(version: ModelVersion) -> SignalBook | None:
    """The signal rules that are about this very model; None for the further models of a package."""
    book = signals_of(version)
    return book if book.model.model == version.model.rpartition("/")[2] else None


@lru_cache(maxsize=32)
def _signals(package_id: str, digest: str, text: str) -> SignalBook:
    package = _package(package_id, digest, text)
    return load_signals(_texts(digest, text)[package_id], package)


@lru_cache(maxsize=32)
def _package(package_id: str, digest: str, text: str) -> Package:
    texts = _texts(digest, text)
    return load_package(texts[package_id], texts)


def _texts(digest: str, text: str) -> dict[str, PackageText]:
    files: dict[str, dict[str, str]] = {}
    for path, content in json.loads(text).items():
        folder, _, file = path.partition("/")
        files.setdefault(folder, {})[file] = content
    return {folder: PackageText(f"{folder} ({digest[:8]})", found) for folder, found in files.items()}
