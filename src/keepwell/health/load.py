"""From the texts of a package's files to the package.

Pure: it is handed the texts of the files and of the packages that may be extended. Everything wrong is told at once,
and what is right can still be checked.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel

from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.base.shape import read_shape
from keepwell.base.yaml_source import Place, Yaml, YamlSource, read_yaml
from keepwell.facts.catalogue import Catalogue
from keepwell.health.health_model import HealthModel
from keepwell.health.mend import mended
from keepwell.health.package import CatalogueFile, MetricsFile, Package, PackageHeader, PackageText, Reading, Spot

HEADER = "package.yaml"
CATALOGUE = "catalogue.yaml"
METRICS = "metrics.yaml"
S = TypeVar("S", bound=BaseModel)
V = TypeVar("V")


def load_package(text: PackageText, others: Mapping[str, PackageText]) -> Package:
    """The package of these files, or a PackageError with everything in it that cannot be read.

    `others` are the packages that it may extend, by id. Whether the package makes sense is for `check_package`.
    """
    reading = read_package(text, others)
    if reading.problems or reading.package is None:
        raise PackageError(reading.problems)
    return reading.package


def read_package(text: PackageText, others: Mapping[str, PackageText]) -> Reading:
    """Like `load_package`, but keeps what could be read beside the problems."""
    return _Loading(text, others, ()).reading()


class _Loading:
    def __init__(self, text: PackageText, others: Mapping[str, PackageText], trail: tuple[str, ...]) -> None:
        self._text = text
        self._others = others
        self._trail = trail
        self._problems: list[Problem] = []
        self._unread: list[tuple[str, Place]] = []
        self._all_read = True

    def reading(self) -> Reading:
        source = self._source(HEADER)
        header = None if _is_lost(source) else self._shape(PackageHeader, source)
        if header is None:
            return Reading(None, tuple(sorted(set(self._problems))))
        parent = self._parent(header, source)
        needed = header.extends is None
        events, event_spots = self._entries(CATALOGUE, "events", CatalogueFile, lambda file: file.events, needed=needed)
        metrics, metric_spots = self._entries(METRICS, "metrics", MetricsFile, lambda file: file.metrics, needed=needed)
        models, sources = self._models(header, source)
        package = Package(
            header,
            Catalogue({**(parent.catalogue.events if parent else {}), **events}),
            {**(parent.metrics if parent else {}), **metrics},
            models,
            source,
            sources,
            {**(parent.event_spots if parent else {}), **event_spots},
            {**(parent.metric_spots if parent else {}), **metric_spots},
            self._all_read,
            (parent.id, *parent.ancestors) if parent else (),
        )
        return Reading(package, tuple(sorted(set(self._problems))), tuple(self._unread))

    def _source(self, name: str, *, needed: bool = True, at: Problem | None = None) -> YamlSource:
        label = f"{self._text.folder}/{name}" if self._text.folder else name
        if name in self._text.files:
            source = read_yaml(label, self._text.files[name])
        else:
            missing = at or Problem(label, 1, "the file is missing; a package needs it.")
            source = YamlSource(label, None, Place(1, 1), (missing,) if needed else ())
        self._problems += source.problems
        return source

    def _shape(self, shape: type[S], source: YamlSource, data: Yaml = None, about: str = "") -> S | None:
        found, problems, paths = read_shape(shape, source, about=about, data=data)
        self._problems += problems
        self._unread += [(source.file, source.place(path)) for path in paths]
        return found

    def _parent(self, header: PackageHeader, source: YamlSource) -> Package | None:
        name = header.extends
        if name is None:
            return None
        trail = (*self._trail, header.package)
        if name in trail:
            circle = " → ".join((*trail[trail.index(name) :], name))
            self._problems.append(source.problem(("extends",), f"packages extend each other in a circle: {circle}."))
        elif name not in self._others:
            sentence = f"unknown package '{name}'.{nearest(name, tuple(self._others))}"
            self._problems.append(source.problem(("extends",), sentence))
        else:
            reading = _Loading(self._others[name], self._others, trail).reading()
            self._problems += reading.problems
            self._unread += reading.unread
            self._all_read = self._all_read and reading.package is not None and reading.package.are_all_read
            return reading.package
        self._all_read = False
        return None

    def _entries(
        self, name: str, key: str, shape: type[S], entries: Callable[[S], Mapping[str, V]], *, needed: bool
    ) -> tuple[dict[str, V], dict[str, Spot]]:
        source = self._source(name, needed=needed)
        if _is_lost(source) or name not in self._text.files:
            self._all_read = self._all_read and not source.problems
            return {}, {}
        written = source.data.get(key) if isinstance(source.data, dict) else None
        if not isinstance(source.data, dict) or not isinstance(written, dict):
            self._all_read = self._shape(shape, source) is not None and self._all_read
            return {}, {}
        self._shape(shape, source, {**source.data, key: {}})
        found: dict[str, V] = {}
        for entry, value in written.items():
            whole = self._shape(shape, source, {key: {entry: value}}, about=f"{key.removesuffix('s')} '{entry}'")
            if whole is not None:
                found[entry] = entries(whole)[entry]
        return found, {entry: Spot(source, (key, entry)) for entry in written}

    def _models(self, header: PackageHeader, owner: YamlSource) -> tuple[dict[str, HealthModel], dict[str, YamlSource]]:
        models: dict[str, HealthModel] = {}
        sources: dict[str, YamlSource] = {}
        for number, name in enumerate(header.models):
            absent = owner.problem(("models", number), f"the file '{name}' is missing from the package.")
            source = self._source(name, at=absent)
            model = self._model(source)
            if model is None:
                continue
            if model.model in models:
                first = sources[model.model].file
                self._problems.append(source.problem(("model",), f"the model '{model.model}' is already in {first}."))
            models.setdefault(model.model, model)
            sources.setdefault(model.model, source)
        return models, sources

    def _model(self, source: YamlSource) -> HealthModel | None:
        """The model, its unreadable parts replaced by fillings so that the rest can be checked."""
        if _is_lost(source):
            return None
        model, problems, paths = read_shape(HealthModel, source)
        if model is not None:
            return model
        self._problems += problems
        if not isinstance(source.data, dict):
            return None
        data, filled = mended(source.data, paths)
        self._unread += [(source.file, source.place(path)) for path in filled]
        return read_shape(HealthModel, source, data=data)[0]


def _is_lost(source: YamlSource) -> bool:
    """Whether nothing could be made of a file, which has been told; one that says `null` is only of another shape."""
    return source.data is None and bool(source.problems)
