"""The words of a message that tells of one notice or of several."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from keepwell.facts.notice import ADMIN, CSM, SEVERITIES, Notice

# More than these are counted, not listed: nobody reads them, and some channels cut long texts.
MOST_LISTED: Final = 40
LONGEST_LINE: Final = 2_000
LONGEST_SUBJECT: Final = 180
_ACCOUNTS_NAMED: Final = 2


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """A notice, the roles in which its recipient is told, and those that nobody holds."""

    notice: Notice
    roles: tuple[str, ...] = ()
    empty_roles: tuple[str, ...] = ()


def subject_and_text(told: Sequence[ToldNotice], *, pages: str, zone: str) -> tuple[str, str]:
    """The subject and the text, for notices in the order in which they are told.

    `pages` is the address under which Keepwell's pages are; times are those of clocks in `zone`.
    """
    if len(told) == 1:
        return _single(told[0], pages, zone)
    lines = [f"{len(told)} notices came together, the most severe first."]
    for number, one in enumerate(told[:MOST_LISTED], 1):
        lines += ["", f"{number}. {_headline(one.notice)}", *_indented(_lines(one.notice, pages, zone))]
    if len(told) > MOST_LISTED:
        lines += ["", f"And {len(told) - MOST_LISTED:,} more, which are on the pages: {pages}/"]
    lines += _why(told)
    return one_line(_digest_subject([one.notice for one in told]), LONGEST_SUBJECT), "\n".join(lines) + "\n"


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """A text of others in one line, without what moves the cursor or turns the direction of writing."""
    spaced = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
    kept = "".join(letter for letter in spaced if letter not in _TURNS and unicodedata.category(letter) != "Cs")
    line = " ".join(kept.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _single(told: ToldNotice, pages: str, zone: str) -> tuple[str, str]:
    notice = told.notice
    lines = [_named(notice), "", *_lines(notice, pages, zone), *_why([told])]
    return one_line(_headline(notice), LONGEST_SUBJECT), "\n".join(lines) + "\n"


def _headline(notice: Notice) -> str:
    return f"{notice.severity.capitalize()}: {_named(notice)}"


def _named(notice: Notice) -> str:
    title = one_line(notice.title, 200)
    return f"{one_line(notice.account_name, 100)} – {title}" if notice.account_name.strip() else title


def _lines(notice: Notice, pages: str, zone: str) -> list[str]:
    found = [one_line(notice.sentence)]
    if notice.happened_at is not None:
        found.append(f"Since: {_clock(notice.happened_at, zone)}")
    if notice.respond_by is not None:
        found.append(f"Please answer by: {_clock(notice.respond_by, zone)}")
    found.append(f"See: {pages}{notice.link}")
    return found


def _clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %d %b %Y, %H:%M} ({zone})"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"   {line}" for line in lines]


def _digest_subject(notices: Sequence[Notice]) -> str:
    counts = {severity: sum(one.severity == severity for one in notices) for severity in SEVERITIES}
    worst = next(severity for severity, count in counts.items() if count)
    every = counts[worst] == len(notices)
    start = f"{len(notices)} {worst} notices" if every else f"{len(notices)} notices, {counts[worst]} {worst}"
    names = list(dict.fromkeys(one_line(one.account_name, 60) for one in notices if one.account_name.strip()))
    if not names:
        return start
    more = len(names) - _ACCOUNTS_NAMED
    listed = ", ".join(names[:_ACCOUNTS_NAMED])
    return f"{start}: {listed}" + (f" and {more} more account{'s' if more > 1 else ''}" if more > 0 else "")


def _why(told: Sequence[ToldNotice]) -> list[str]:
    """Why the reader is told, where that is not plain."""
    roles = sorted({role for one in told for role in one.roles})
    empty = sorted({role for one in told for role in one.empty_roles})
    found = [f"You are told as {' and '.join(roles)}."] if roles and roles != [ADMIN] else []
    if CSM in empty:
        which = "The account has" if len(told) == 1 else "At least one of the accounts has"
        found.append(f"{which} no CSM, so owners and admins are told. Give it an owner.")
    found += [
        f"Nobody holds the role {role}, so owners and admins are told. "
        f"Name somebody with: keepwell notify role assign {role} EMAIL"
        for role in empty
        if role != CSM
    ]
    return ["", *found] if found else []
