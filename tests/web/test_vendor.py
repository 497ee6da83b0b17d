"""Files of others are the ones that were looked at, with their licences."""

import hashlib
from pathlib import Path

import keepwell.web

FOLDER = Path(keepwell.web.__file__).parent / "static" / "vendor"
PINNED = {
    "echarts-6.1.0.min.js": "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0",
    "htmx-2.0.11.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
}


def test_the_files_are_pinned() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.js")}
    assert found == PINNED


def test_each_has_its_licence() -> None:
    for name in PINNED:
        licence = FOLDER / name.replace(".min.js", ".LICENSE.txt")
        assert len(licence.read_text(encoding="utf-8")) > 300


def test_no_file_of_ours_loads_from_elsewhere() -> None:
    ours = [*FOLDER.parent.parent.rglob("templates/**/*.html"), *FOLDER.parent.glob("keepwell/*")]
    assert len(ours) > 10
    for path in ours:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert " style=" not in text, path
        assert " onclick=" not in text, path
