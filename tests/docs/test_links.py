"""Every page of the docs can be found from the README, and every link in them leads somewhere."""

import re
from pathlib import Path

from tests.house.repository import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))
README = ROOT / "README.md"
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
_CODE = re.compile(r"(?ms)^```.*?^```|`[^`\n]*`")


def links(page: Path) -> list[tuple[Path, str]]:
    """The files that a page links to, each with the heading it means, "" for none."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    return [((page.parent / name).resolve() if name else page, anchor or "") for name, anchor in _LINK.findall(text)]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_can_be_found_from_the_readme() -> None:
    found, waiting = {README}, [README]
    while waiting:
        new = {target for target, _ in links(waiting.pop()) if target.suffix == ".md"} - found
        found |= new
        waiting += new
    assert [page.name for page in PAGES if page not in found] == []


def test_every_link_leads_somewhere() -> None:
    broken = [
        f"{page.name}: {target.name}#{anchor}"
        for page in (README, ROOT / "CONTRIBUTING.md", *PAGES)
        for target, anchor in links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]
    assert broken == []
