"""Where an installation keeps its data."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The data directory (`KEEPWELL_HOME`)."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "state.sqlite3"

    @property
    def log(self) -> Path:
        return self.path / "lake" / "events"

    @property
    def packages(self) -> Path:
        return self.path / "packages"

    @property
    def mapping(self) -> Path:
        """The mapping as it was published last, to be edited and published again."""
        return self.path / "mapping.yaml"

    @property
    def rejects(self) -> Path:
        return self.path / "rejects"
