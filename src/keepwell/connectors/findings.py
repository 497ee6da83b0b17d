"""Running the checks of a map over a staged file."""

from typing import Final

from keepwell.base.errors import UserError
from keepwell.connectors.checks.check import Check, Rows
from keepwell.connectors.other_file import load_other, plan_other
from keepwell.connectors.report import CaseReport, Example, Finding
from keepwell.connectors.row_plan import ColumnPlan
from keepwell.connectors.sql_text import one_row
from keepwell.connectors.staging import Staged

EXAMPLES: Final = 3


def find_contradictions(staged: Staged) -> list[Finding]:
    """One finding for every check, also for those that hold; other files are looked for beside the imported one."""
    return [_run(staged, check) for check in staged.plan.map.checks]


def _run(staged: Staged, check: Check) -> Finding:
    if not staged.has_rows:
        return _unchecked(check, "the file has no row to check.")
    other = _plan_other(staged, check)
    try:
        _load_other(staged, check, other)
    except UserError as error:
        return _unchecked(check, str(error))
    rows = Rows(staged.plan.terms("seen"), other.terms("other"))
    database = staged.database
    (judged,) = one_row(database, f"SELECT count(*) FROM seen WHERE {check.judged(rows)}")  # noqa: S608
    database.execute("CREATE OR REPLACE TEMP TABLE breaches AS " + check.breaches(rows))
    cases = database.execute("SELECT words, count(*) FROM breaches GROUP BY words ORDER BY 2 DESC, 1").fetchall()
    found = database.execute(
        "SELECT seen.line, seen.last_line FROM breaches JOIN seen USING (line) ORDER BY seen.line LIMIT ?",
        [EXAMPLES],
    ).fetchall()
    contradicting = sum(count for _, count in cases)
    return Finding(
        id=check.id,
        kind=_kind(check),
        title=check.title,
        judged=judged,
        contradicting=contradicting,
        share=contradicting / judged if judged else 0.0,
        cases=[CaseReport(words=words, count=count) for words, count in cases],
        examples=examples(staged, found),
    )


def examples(staged: Staged, places: list[tuple[int, int]]) -> list[Example]:
    """The rows at these places as they stand in the file, which must ascend."""
    originals = staged.reader.originals(places)
    return [Example(line=line, row=shown(original)) for (line, _), original in zip(places, originals, strict=False)]


def shown(original: bytes) -> str:
    """Up to 300 characters of a row, unreadable bytes marked."""
    text = original[:1200].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return text if len(text) <= 300 else text[:299] + "…"


def _kind(check: Check) -> str:
    return str(getattr(check, "kind", ""))


def _unchecked(check: Check, why: str) -> Finding:
    return Finding(
        id=check.id, kind=_kind(check), title=check.title, judged=0, contradicting=0, share=0, cases=[], examples=[],
        unchecked=why,
    )  # fmt: skip


def _plan_other(staged: Staged, check: Check) -> ColumnPlan:
    return plan_other(staged.plan.map, check.other_columns(), check.other_time_columns())


def _load_other(staged: Staged, check: Check, other: ColumnPlan) -> None:
    name = check.other_file()
    if name is not None:
        load_other(staged.database, staged.plan.map, staged.reader.path.parent, name, other)
