"""A preview of playbooks as lines for people: every time by the clock of whoever it concerns."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from keepwell.base.wall_time import local_time, read_zone

if TYPE_CHECKING:
    from keepwell.jobs.playbook_preview import PlannedStep, Preview, Previews
    from keepwell.jobs.preview_step import Deed, Message, Spoken


def preview_lines(found: "Previews", *, is_full: bool) -> Iterator[str]:
    """Without line ends. With `is_full` the texts of messages and drafts, too."""
    yield from found.notes
    for place, one in enumerate(found.playbooks):
        if place or found.notes:
            yield ""
        yield from _playbook(one, is_full=is_full)


def _playbook(one: "Preview", *, is_full: bool) -> Iterator[str]:
    clocks = f"contact's clock {one.contact_zone}, team's clock {one.team_zone}"
    yield f"{one.package}/{one.playbook}: {one.title} (priority {one.priority}, starts on {', '.join(one.starts_on)})"
    yield f"  Start: {_clock(one.starts_at, one.contact_zone)}; {clocks}"
    yield f"  To:    {one.to or 'nobody, the account has no contact'}"
    if one.refused:
        yield f"  It would not start then: {one.refused}"
    if one.supersedes:
        yield f"  It ends here: {', '.join(one.supersedes)}"
    if one.arm:
        yield f"  Arm:   {one.arm}"
    for step in one.steps:
        yield from _step(step, one, is_full=is_full)
    yield f"  End:   {_clock(one.ends_at, one.contact_zone)}: {one.because}, {one.because_told}"


def _step(step: "PlannedStep", one: "Preview", *, is_full: bool) -> Iterator[str]:
    when = f"{_clock(step.at, step.zone)}, {step.clock}'s clock"
    if step.skipped:
        yield f"  {when}: {step.step} is skipped, {step.skipped}"
        return
    yield f"  {when}: {step.step} ({step.kind}), {step.title}"
    for deed in step.deeds:
        if deed.message is not None:
            yield from _message(deed.message, one, is_full=is_full)
        else:
            yield from _deed(deed, step.zone, is_full=is_full)


def _deed(deed: "Deed", zone: str, *, is_full: bool) -> Iterator[str]:
    by = f", by {_clock(deed.due_at, zone)}" if deed.due_at else ""
    until = f", until {_clock(deed.stands_until, zone)}" if deed.stands_until else ""
    yield f"    {deed.sentence}{by}{until}"
    if deed.document and is_full:
        yield from _indented(deed.document)


def _message(message: "Message", one: "Preview", *, is_full: bool) -> Iterator[str]:
    if message.unwritten:
        yield f"    It is suppressed, since it cannot be written: {message.unwritten}"
        return
    yield f"    Subject: {message.subject}"
    yield f"    To {one.to or 'nobody'}, in the name of {message.sender}"
    if message.meeting is not None:
        yield f"    Invites to a meeting: {message.meeting.when_told()}, at {message.meeting.place}"
    if message.approve_by:
        yield f"    Yes needed from {message.approve_by}; once it is there:"
    for spoken in message.voice:
        yield f"    {_voice(spoken, one.contact_zone)}"
    if is_full:
        yield from _indented(message.text)


def _voice(spoken: "Spoken", zone: str) -> str:
    when = _clock(spoken.at, zone)
    if spoken.act == "hold" and spoken.until is not None:
        return f"{when}: is held until {_clock(spoken.until, zone)} because: {spoken.because}"
    if spoken.act == "suppress":
        return f"{when}: is suppressed because: {spoken.because}"
    if spoken.act == "ask":
        return f"{when}: waits for a yes of {spoken.asked} because: {spoken.because}"
    return f"{when}: leaves"


def _indented(text: str) -> Iterator[str]:
    return (f"      | {line}".rstrip() for line in text.splitlines())


def _clock(at: datetime, zone: str) -> str:
    return f"{local_time(at, read_zone(zone)):%a %-d %b %Y, %H:%M}"
