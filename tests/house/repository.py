"""The files of the repository, for the tests that hold the house together."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "keepwell"

# Taken over as they are, with their licences.
_VENDORED = ("/static/vendor/", ".min.js", ".min.css")


def our_files() -> list[Path]:
    """Everything that is or would be committed, without what we took over from others."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = sorted(set(filter(None, listed.split("\0"))))
    wanted = [ROOT / name for name in names if not any(part in f"/{name}" for part in _VENDORED)]
    return [path for path in wanted if path.is_file()]


def python_files(*folders: str) -> list[Path]:
    """Our Python files below these folders of the repository; without folders, all of them."""
    places = [ROOT / folder for folder in folders] or [ROOT]
    return [path for path in our_files() if path.suffix == ".py" and any(path.is_relative_to(p) for p in places)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
