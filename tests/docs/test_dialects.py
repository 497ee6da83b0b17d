"""The page on dialects names every code that an event or a request may be refused with, and every dialect."""

import re
from pathlib import Path

import keepwell.connectors
from keepwell.connectors.dialect import dialect_kinds

DOCS = Path(__file__).parents[2] / "docs" / "dialects.md"
CONNECTORS = Path(keepwell.connectors.__path__[0])
OF_DIALECTS = ("dialect.py", "json_parts.py", "kept_event.py", "request.py", "strict_json.py", "values.py")
CODE = re.compile(r'(?:RefusedError|UnreadableError|FaultError|Refusal|setdefault)\(\s*(?:0, )?"(\w+)"')


def test_the_page_names_every_code_and_no_other() -> None:
    files = [*(CONNECTORS / name for name in OF_DIALECTS), *(CONNECTORS / "dialects").glob("*.py")]
    raised = {code for file in files for code in CODE.findall(file.read_text(encoding="utf-8"))}
    codes = DOCS.read_text(encoding="utf-8").partition("## Codes")[2]
    assert set(re.findall(r"`([a-z_0-9]+)`", codes)) - {"batch"} == raised


def test_the_page_names_every_dialect() -> None:
    named = re.findall(r"^\| `(\w+)` \| `/", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(dialect_kinds())
