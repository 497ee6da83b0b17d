"""Files of others are the ones that were looked at, with their licences."""

import hashlib
from pathlib import Path

import keepwell.web

FOLDER = Path(keepwell.web.__file__).parent / "static" / "vendor"
PINNED = {
    "echarts-6.1.0.min.js": "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0",
    "htmx-2.0.11.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
}
FONTS = FOLDER.parent.parent / "fonts"
PINNED_FONTS = {
    "DejaVuSans.ttf": "abdc775b21b1bc470d50c97e790d276f2054b7504e56e5bd3e64f48d68582322",
    "DejaVuSans-Bold.ttf": "0d977336a6d5fba34eab8e3199eb218327161b5143749f802982c2bc34df0c96",
}


def test_the_files_are_pinned() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.js")}
    assert found == PINNED


def test_each_has_its_licence() -> None:
    for name in PINNED:
        licence = FOLDER / name.replace(".min.js", ".LICENSE.txt")
        assert len(licence.read_text(encoding="utf-8")) > 300

    assert "Bitstream Vera" in (FONTS / "LICENSE.txt").read_text(encoding="utf-8")


def test_the_fonts_are_pinned() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FONTS.glob("*.ttf")}
    assert found == PINNED_FONTS


def test_no_file_of_ours_loads_from_elsewhere() -> None:
    ours = [*FOLDER.parent.parent.rglob("templates/**/*.html"), *FOLDER.parent.glob("keepwell/*")]
    assert len(ours) > 10
    for path in ours:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert " style=" not in text, path
        assert " onclick=" not in text, path
