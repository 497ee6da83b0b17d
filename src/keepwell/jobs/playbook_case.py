"""Cases of a package's playbooks, tried without a log: their accounts are made up of what each case says."""

from collections.abc import Mapping
from pathlib import Path

from keepwell.base.shape import read_shape
from keepwell.base.yaml_source import YamlSource, read_yaml
from keepwell.health.package import PackageText
from keepwell.jobs.package import PLAYBOOK_CASES
from keepwell.jobs.signal_case import TriedFile
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.case import PlaybookCasesFile
from keepwell.playbooks.check import load_valid_with_playbooks
from keepwell.playbooks.try_case import try_playbook_case


def try_playbook_cases(text: PackageText, others: Mapping[str, PackageText], folder: Path) -> list[TriedFile]:
    """Run every case in the sub-folder `playbook_cases` of a package's folder; the package must be in order."""
    _, book = load_valid_with_playbooks(text, others)
    paths = sorted((folder / PLAYBOOK_CASES).glob("*.yaml"))
    return [
        _tried(book, read_yaml(f"{text.folder}/{PLAYBOOK_CASES}/{path.name}", path.read_text(encoding="utf-8")))
        for path in paths
    ]


def _tried(book: PlaybookBook, source: YamlSource) -> TriedFile:
    name = source.file.rpartition("/")[2]
    file, problems, _ = (None, source.problems, ()) if source.problems else read_shape(PlaybookCasesFile, source)
    if file is None:
        return TriedFile(name, (), 0, problems)
    found = [
        source.problem(("cases", place), f"case '{case.case}': {sentence}")
        for place, case in enumerate(file.cases)
        for sentence in try_playbook_case(book, file.playbook, case)
    ]
    return TriedFile(name, file.shows, len(file.cases), found)
