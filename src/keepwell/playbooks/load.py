"""From the texts of `playbooks/*.yaml` to playbooks. The name of a file is the id of its playbook."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from keepwell.base.errors import PackageError, Problem
from keepwell.base.shape import NAME, PATTERNS, read_shape
from keepwell.base.yaml_source import read_yaml
from keepwell.health.package import PackageText, Spot
from keepwell.metrics.metric import Metric
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.template_book import FOLDER as TEMPLATES
from keepwell.playbooks.template_book import TemplateText
from keepwell.signals.book import SignalBook

PLAYBOOKS: Final = "playbooks"


@dataclass(frozen=True, slots=True)
class PlaybookReading:
    """As much of the playbooks as could be read, and what is wrong with the rest."""

    book: PlaybookBook
    problems: tuple[Problem, ...]


def load_playbooks(text: PackageText, signals: SignalBook, templates: frozenset[str] | None = None) -> PlaybookBook:
    """The playbooks of a package, or a PackageError with everything in them that cannot be read."""
    reading = read_playbooks(text, signals, templates)
    if reading.problems:
        raise PackageError(reading.problems)
    return reading.book


def read_playbooks(text: PackageText, signals: SignalBook, templates: frozenset[str] | None = None) -> PlaybookReading:
    """Like `load_playbooks`, but keeps what could be read beside the problems."""
    playbooks: dict[str, Playbook] = {}
    spots: dict[str, Spot] = {}
    problems: list[Problem] = []
    for name, content in sorted(files_in(text, PLAYBOOKS, ".yaml").items()):
        source = read_yaml(
            f"{text.folder}/{PLAYBOOKS}/{name}.yaml" if text.folder else f"{PLAYBOOKS}/{name}.yaml", content
        )
        problems += source.problems
        spots[name] = Spot(source, ())
        if re.fullmatch(NAME, name) is None:
            problems.append(source.problem((), f"the name of a playbook's file must be {PATTERNS[NAME]}."))
        if source.data is None and source.problems:
            continue
        found, wrong, _ = read_shape(Playbook, source)
        problems += wrong
        if found is not None:
            playbooks[name] = found
    return PlaybookReading(PlaybookBook(signals, playbooks, templates, spots), tuple(sorted(set(problems))))


def template_ids(text: PackageText) -> frozenset[str] | None:
    """The ids of a package's texts, None where it has none."""
    return frozenset(files_in(text, TEMPLATES, ".md")) or None


def template_text(text: PackageText, metrics: Mapping[str, Metric]) -> TemplateText:
    """The files of its folder `templates`, settings too; none where it has no such folder."""
    paths = {PurePosixPath(name): content for name, content in text.files.items()}
    files = {path.name: content for path, content in paths.items() if path.parts[:-1] == (TEMPLATES,)}
    return TemplateText(f"{text.folder}/{TEMPLATES}" if text.folder else TEMPLATES, files, metrics)


def files_in(text: PackageText, folder: str, suffix: str) -> Mapping[str, str]:
    """The texts of one folder of a package, by the name of the file without its ending."""
    paths = {PurePosixPath(name): content for name, content in text.files.items()}
    return {
        path.stem: content for path, content in paths.items() if path.parts[:-1] == (folder,) and path.suffix == suffix
    }
