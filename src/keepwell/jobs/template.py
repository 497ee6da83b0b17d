"""The message templates of packages on disk."""

from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.health.load import read_package
from keepwell.jobs.package import find_folder, find_text
from keepwell.playbooks.template_book import FOLDER, TemplateText


def find_templates(home: Home, package: str) -> TemplateText:
    """The templates of a package given by id or by folder; refuses where it has none."""
    text, others = find_text(home, package)
    folder = find_folder(home, package) / FOLDER
    if not folder.is_dir():
        raise UserError(f"{text.folder} has no folder {FOLDER}/; docs/templates.md says how to begin one.")
    files: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            try:
                files[path.name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise UserError(f"{path}: not UTF-8 (byte {error.start}). Save the file as UTF-8.") from error
    found = read_package(text, others).package
    return TemplateText(f"{text.folder}/{FOLDER}", files, tuple(found.metrics) if found else ())
