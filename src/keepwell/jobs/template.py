"""The message templates of packages on disk."""

from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.health.load import read_package
from keepwell.jobs.package import find_folder, find_text, read_utf8
from keepwell.playbooks.template_book import FOLDER, TemplateText


def find_templates(home: Home, package: str) -> TemplateText:
    """The templates of a package given by id or by folder; refuses where it has none."""
    text, others = find_text(home, package)
    folder = find_folder(home, package) / FOLDER
    if not folder.is_dir():
        raise UserError(f"{text.folder} has no folder {FOLDER}/; docs/templates.md says how to begin one.")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    files = {path.name: read_utf8(path) for path in paths}
    found = read_package(text, others).package
    return TemplateText(f"{text.folder}/{FOLDER}", files, found.metrics if found else {})
