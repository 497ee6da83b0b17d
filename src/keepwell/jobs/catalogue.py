"""The events of all installed packages together."""

from functools import lru_cache

from keepwell.base.home import Home
from keepwell.facts.catalogue import Catalogue, EventShape
from keepwell.health.package import PackageText
from keepwell.jobs.package import named_package, read_texts


def read_catalogue(home: Home) -> Catalogue:
    """The events of every installed package; an event of several packages has the properties of all of them."""
    texts = read_texts(home)
    return _catalogue(tuple((name, text.folder, tuple(sorted(text.files.items()))) for name, text in texts.items()))


@lru_cache(maxsize=2)
def _catalogue(read: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]) -> Catalogue:
    """Parsing all packages takes a second, and the worker asks at every turn."""
    texts = {name: PackageText(folder, dict(files)) for name, folder, files in read}
    found: dict[str, EventShape] = {}
    for package_id in texts:
        for name, event in named_package(texts, package_id).catalogue.events.items():
            known = found.get(name, event)
            aliases = tuple(dict.fromkeys([*known.aliases, *event.aliases]))
            changes = {"aliases": aliases, "properties": {**known.properties, **event.properties}}
            found[name] = event.model_copy(update=changes)
    return Catalogue(found)
