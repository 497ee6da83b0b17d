"""Packages as they were when their health models were published."""

import json
from functools import lru_cache

from keepwell.health.health_model import HealthModel
from keepwell.health.load import load_package
from keepwell.health.package import Package, PackageText
from keepwell.store.models import ModelVersion


def package_of(version: ModelVersion) -> Package:
    """The package of a version, with what it inherited then."""
    return _package(version.model.partition("/")[0], version.digest, json.dumps(version.text, sort_keys=True))


def model_of(version: ModelVersion) -> tuple[Package, HealthModel]:
    """The health model of a version and the package around it."""
    package = package_of(version)
    return package, package.models[version.model.rpartition("/")[2]]


@lru_cache(maxsize=32)
def _package(package_id: str, digest: str, text: str) -> Package:
    files: dict[str, dict[str, str]] = {}
    for path, content in json.loads(text).items():
        folder, _, file = path.partition("/")
        files.setdefault(folder, {})[file] = content
    texts = {folder: PackageText(f"{folder} ({digest[:8]})", found) for folder, found in files.items()}
    return load_package(texts[package_id], texts)
