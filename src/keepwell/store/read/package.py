"""Packages as they were when their health models were published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from keepwell.health.health_model import HealthModel
from keepwell.health.load import load_package
from keepwell.health.package import Package, PackageText
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.load import load_playbooks, template_ids
from keepwell.playbooks.template_book import FOLDER, SETTINGS, TemplateBook, TemplateText, load_templates
from keepwell.playbooks.voice import Voice, load_voice
from keepwell.signals.book import SignalBook
from keepwell.signals.load import load_signals
from keepwell.store.models import ModelVersion


@dataclass(frozen=True, slots=True)
class _Published:
    """The text of a version. Its digest stands for it, so that nobody compares a hundred kilobytes at every look."""

    package_id: str
    digest: str
    text: Mapping[str, str] = field(compare=False)

    @classmethod
    def of(cls, version: ModelVersion) -> "_Published":
        return cls(version.model.partition("/")[0], version.digest, version.text)


def package_of(version: ModelVersion) -> Package:
    """The package of a version, with what it inherited then."""
    return _package(_Published.of(version))


def model_of(version: ModelVersion) -> tuple[Package, HealthModel]:
    """The health model of a version and the package around it."""
    package = package_of(version)
    return package, package.models[version.model.rpartition("/")[2]]


def signals_of(version: ModelVersion) -> SignalBook:
    """The signal rules of a version's package, as they were when it was published."""
    return _signals(_Published.of(version))


def signals_about(version: ModelVersion) -> SignalBook | None:
    """The signal rules that are about this very model; None for the further models of a package."""
    book = signals_of(version)
    return book if book.model.model == version.model.rpartition("/")[2] else None


def playbooks_of(version: ModelVersion) -> PlaybookBook:
    """The playbooks of a version's package, as they were when it was published."""
    return _playbooks(_Published.of(version))


def asking_of(version: ModelVersion) -> SignalBook:
    """The conditions of the playbooks, as a book that knows what a panel must hold for them."""
    return _asking(_Published.of(version))


def templates_of(version: ModelVersion) -> TemplateBook | None:
    """The templates of a version's package, None where it has none."""
    return _templates(_Published.of(version))


def voice_of(version: ModelVersion) -> Voice:
    """How often and when contacts may be written to, by a version's package."""
    return _voice(_Published.of(version))


@lru_cache(maxsize=32)
def _signals(published: _Published) -> SignalBook:
    return load_signals(_texts(published)[published.package_id], _package(published))


@lru_cache(maxsize=32)
def _package(published: _Published) -> Package:
    texts = _texts(published)
    return load_package(texts[published.package_id], texts)


@lru_cache(maxsize=32)
def _playbooks(published: _Published) -> PlaybookBook:
    text = _texts(published)[published.package_id]
    return load_playbooks(text, _signals(published), template_ids(text))


@lru_cache(maxsize=32)
def _asking(published: _Published) -> SignalBook:
    return _playbooks(published).asking()


@lru_cache(maxsize=32)
def _templates(published: _Published) -> TemplateBook | None:
    text = _texts(published)[published.package_id]
    files = {
        name.removeprefix(f"{FOLDER}/"): content
        for name, content in text.files.items()
        if name.startswith(f"{FOLDER}/")
    }
    if SETTINGS not in files:
        return None
    return load_templates(TemplateText(f"{text.folder}/{FOLDER}", files, _package(published).metrics))


@lru_cache(maxsize=32)
def _voice(published: _Published) -> Voice:
    return load_voice(_texts(published)[published.package_id])


def _texts(published: _Published) -> dict[str, PackageText]:
    files: dict[str, dict[str, str]] = {}
    for path, content in published.text.items():
        folder, _, file = path.partition("/")
        files.setdefault(folder, {})[file] = content
    return {folder: PackageText(f"{folder} ({published.digest[:8]})", found) for folder, found in files.items()}
