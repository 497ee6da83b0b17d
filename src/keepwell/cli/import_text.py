"""The report of an import as people read it."""

from collections.abc import Iterator
from datetime import datetime

from keepwell.connectors.report import EventReport, Finding, ImportReport, PropertyReport, RejectReport, Written


def report_text(report: ImportReport) -> str:
    """Everything the report holds, in the order in which one wants to know it."""
    return "\n".join(_lines(report))


def _lines(report: ImportReport) -> Iterator[str]:
    rejected = sum(reject.count for reject in report.rejected)
    shape = f"{report.format}, {report.encoding}" if report.encoding else report.format
    yield f"{report.file} ({shape}) as source '{report.source}'"
    yield from (f"note: {note}" for note in report.notes)
    yield ""
    yield f"Rows      {report.rows.read:,}{_of_rows(report)}"
    yield f"Events    {report.taken:,} to take, {rejected:,} not{_time_range(report.first_at, report.last_at)}"
    yield f"Accounts  {report.accounts:,}, contacts {report.contacts:,}"
    yield f"Ids       {report.ids.origin}{_repeated(report.ids.repeated, report.ids.origin)}"
    for event in report.events:
        yield ""
        yield from _event(event)
    for reject in report.rejected:
        yield ""
        yield from _reject(reject)
    for finding in report.findings:
        yield ""
        yield from _finding(finding)
    yield ""
    yield from _written(report.written)


def _of_rows(report: ImportReport) -> str:
    rows = report.rows
    parts = [
        (rows.skipped, "skipped by the map"),
        (rows.without_event, "without an event"),
        (rows.unreadable, "unreadable"),
    ]
    told = ", ".join(f"{count:,} {words}" for count, words in parts if count)
    return f", of them {told}" if told else ""


def _time_range(first: datetime | None, last: datetime | None) -> str:
    return f", {_day(first)} to {_day(last)}" if first and last else ""


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _repeated(count: int, origin: str) -> str:
    if not count:
        return ""
    if origin.startswith("derived"):
        return f"; {count:,} repeat the content of an earlier one and are counted as events of their own"
    return f"; {count:,} repeat an earlier one and are taken once"


def _event(event: EventReport) -> Iterator[str]:
    yield f"{event.name}  {event.count:,}{_time_range(event.first_at, event.last_at)}"
    width = max((len(item.name) for item in event.properties), default=0)
    yield from (f"  {item.name:<{width}}  {_filled(item)}" for item in event.properties)


def _filled(item: PropertyReport) -> str:
    bounds = "" if item.least is None else f", {item.least:g} to {item.most:g}"
    return f"{item.share:.1%} filled{bounds}"


def _reject(reject: RejectReport) -> Iterator[str]:
    where = [f"column {reject.column}"] if reject.column else []
    where += [f"for {', '.join(reject.events)}"] if reject.events else []
    rows = "1 row" if reject.rows == 1 else f"{reject.rows:,} rows"
    yield f"not taken: {rows} ({', '.join([reject.code, *where])}): {reject.sentence}"
    yield from (f"  line {example.line}: {example.row}" for example in reject.examples)


def _finding(finding: Finding) -> Iterator[str]:
    if finding.unchecked is not None:
        yield f"not checked: {finding.title}: {finding.unchecked}"
        return
    if not finding.contradicting:
        yield f"checked: {finding.title}: none of {finding.judged:,} rows."
        return
    yield f"contradiction: {finding.title}: {finding.contradicting:,} of {finding.judged:,} rows ({finding.share:.1%})."
    yield from (f"  {case.count:,}: {case.words}" for case in finding.cases)
    yield from (f"  line {example.line}: {example.row}" for example in finding.examples)


def _written(written: Written | None) -> Iterator[str]:
    if written is None:
        yield "Dry run: nothing was written."
        return
    yield (
        f"Received {written.received:,} = {written.accepted:,} new + {written.duplicate:,} known already"
        f" + {written.conflict:,} in conflict + {written.rejected:,} rejected."
    )
    if written.conflicting_ids:
        yield f"In conflict (same id, other content; the first stays): {', '.join(written.conflicting_ids)}"
    if written.rejects_file:
        yield f"Rejected rows are kept in {written.rejects_file}"
