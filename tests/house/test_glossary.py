"""One word per thing: names in the code and in the packages keep to `docs/glossary.md`."""

from collections.abc import Iterable

import pytest

from tests.house.repository import ROOT, name_of, our_files, python_files
from tests.house.words import Glossary, names_in_python, names_in_yaml, read_glossary, words_of

TEXT = """
| term | meaning | not |
|---|---|---|
| account | the customer organisation | `customer`, `company` |
| metric | a number | `kpi`, `risk_level` |
| event | it happened | log |
| MRR | money per month | `revenue` alone |

| name | files | why |
|---|---|---|
| `AUTH_USER_*` | `src/web/*` | Django's |
| `customer` | `src/old.py` | theirs |
"""

GOOD = """
class AccountRow: ...
def load(account, event_log): self.revenue_at_risk = 1
levels = "customer"
client_of.customer(customer=1)
"""

BAD = """
class CustomerRow: ...
def load_companies(customer_id): pass
self.kpi = 1
import x as customers
RISK_LEVEL = 2
revenue = 3
"""


def wrong_names(glossary: Glossary, names: Iterable[tuple[int, str]], file: str) -> list[str]:
    found = []
    for line, name in names:
        word = glossary.wrong_word(name, file)
        if word:
            found.append(f"{file}:{line}: '{name}' says '{word}'; docs/glossary.md has the word to use.")
    return found


def test_the_rule_knows_good_from_bad() -> None:
    glossary = read_glossary(TEXT)
    assert wrong_names(glossary, names_in_python(GOOD), "src/a.py") == []
    bad = wrong_names(glossary, names_in_python(BAD), "src/a.py")
    assert sorted(int(line.split(":")[1]) for line in bad) == [2, 3, 3, 4, 5, 6, 7]
    assert wrong_names(glossary, names_in_yaml("a:\n - {customers: 1}\n"), "a.yaml") == [
        "a.yaml:2: 'customers' says 'customer'; docs/glossary.md has the word to use."
    ]


def test_an_exception_holds_for_its_files_only() -> None:
    glossary = read_glossary(TEXT)
    assert glossary.wrong_word("customer", "src/old.py") is None
    assert glossary.wrong_word("customer", "src/new.py") == "customer"
    assert glossary.wrong_word("customer_name", "src/old.py") == "customer"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("HTTPClient", ["http", "client"]),
        ("customer_companies2", ["customer", "company", "2"]),
        ("_KPI_ROWS", ["kpi", "row"]),
        ("status", ["status"]),
    ],
)
def test_names_fall_into_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_the_glossary_has_terms_and_reasons() -> None:
    glossary = read_glossary((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    assert {"customer", "client", "lead", "kpi", "category", "momentum", "campaign", "user"} <= glossary.rejected
    assert all(len(allowed.why) > 20 for allowed in glossary.exceptions)


def test_our_names_keep_to_the_glossary() -> None:
    glossary = read_glossary((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    found: list[str] = []
    for path in python_files("src"):
        found += wrong_names(glossary, names_in_python(path.read_text(encoding="utf-8")), name_of(path))
    for path in our_files():
        if path.suffix in (".yaml", ".yml") and path.is_relative_to(ROOT / "src" / "keepwell" / "models"):
            found += wrong_names(glossary, names_in_yaml(path.read_text(encoding="utf-8")), name_of(path))
    assert found == []
