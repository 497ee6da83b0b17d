"""Detection: what a look at scored accounts opens and closes, written in one transaction with what it follows from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from keepwell.base.business_time import Calendar
from keepwell.base.crash_point import crash_point
from keepwell.base.home import Home
from keepwell.facts.values import Values
from keepwell.health.score import Scores
from keepwell.jobs.alert import do_close_alerts, do_follow_alerts, do_open_alerts
from keepwell.jobs.audit import record_act
from keepwell.jobs.enrolment import do_follow_playbooks
from keepwell.jobs.imported import LogMark, read_imported, read_mark_after
from keepwell.jobs.milestone import do_judge_milestones, do_reach_milestones
from keepwell.jobs.opportunity import do_close_signs, do_follow_opportunities, do_open_signs
from keepwell.jobs.panel import in_statements, muted_peaks, named, read_panel, whole_panel, with_news
from keepwell.jobs.segment import write_segments
from keepwell.jobs.signal_evidence import Scene
from keepwell.signals.book import Noun, SignalBook
from keepwell.signals.conditions.absence import Absence
from keepwell.signals.episode import Episode, Phase
from keepwell.signals.look import Look, Place, look, with_segments
from keepwell.signals.panel import Panel
from keepwell.store.models import (
    Account,
    AccountLook,
    ModelVersion,
    ScoreRecord,
    SignalEpisode,
    TouchedAccount,
)

ROWS_A_STATEMENT: Final = 500


@dataclass(frozen=True, slots=True)
class Detected:
    """How many signals opened and closed."""

    opened: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was scored as of one moment: values, scores, the records that became current with their rows in both.

    `ended` are accounts whose subscription is over; `is_full` says that these are all accounts there are.
    """

    values: Values
    scores: Scores
    newest: Sequence[tuple[ScoreRecord, int]]
    ended: Sequence[int]
    is_full: bool


def do_look(
    home: Home,
    version: ModelVersion,
    book: SignalBook,
    seen: Seen,
    calendar: Calendar | None,
    mark: LogMark | None,
    *,
    by: str,
    now: datetime,
) -> None:
    """Write down who is in which segment and, given a calendar and a mark, every signal. Call it in a transaction."""
    panel, accounts = read_panel(book.model, seen.values, seen.scores, seen.newest)
    if calendar is None or mark is None:
        write_segments(version.model, with_segments(book, panel), seen.ended)
        return
    do_detect_signals(
        home, version, book, panel, accounts, seen.ended, calendar, mark, is_full=seen.is_full, by=by, now=now
    )


def do_detect_signals(
    home: Home,
    version: ModelVersion,
    book: SignalBook,
    panel: Panel,
    accounts: Mapping[int, Account],
    ended: Sequence[int],
    calendar: Calendar,
    mark: LogMark,
    *,
    is_full: bool,
    by: str,
    now: datetime,
) -> Detected:
    """Look at the accounts of the panel, and write down every signal that opens or closes. Call it in a transaction.

    `mark` was read before the values were. `ended` are accounts whose subscription is over: their signals close.
    Nothing but live news opens at accounts that an import told of since their last look, or that were last looked at
    under another version, or by another meaning of what is in the log.
    """
    package = book.package.id
    rows = named(AccountLook.objects.filter(package=package), panel.accounts.tolist())
    looks = {one.account_id: one for one in rows}
    told = read_imported(panel.accounts.tolist())
    is_quiet = _quiet(version, package, panel, looks, told, read_mark_after(home))
    before = _episodes(package, panel)
    reach = {account: one.quiet_at for account, one in looks.items() if one.quiet_at is not None}
    last = {account: one.looked_at for account, one in looks.items()}
    urgent = named(TouchedAccount.objects.filter(is_urgent=True), panel.accounts.tolist())
    fresh = set(urgent.values_list("account_id", flat=True))
    unsure = {row: last[account] for row, account in _unsure(panel, before, is_quiet, last) if account in fresh}
    whole = with_news(
        whole_panel(panel, book, home, version, reach, _settled(book, before), is_full=is_full), book, home, unsure
    )
    found = look(book, whole, before, is_quiet, muted_peaks(whole, book, version, before, reach))
    scene = Scene(home, book, version, whole, accounts, calendar, last)
    opened = do_open_alerts(scene, found, now=now)
    closed = do_close_alerts(scene, found, ended, now=now)
    do_follow_alerts(scene, now=now)
    opened += do_open_signs(scene, found, now=now)
    closed += do_close_signs(scene, found, ended, now=now)
    do_follow_opportunities(scene, now=now)
    opened += do_reach_milestones(scene, found, now=now)
    do_judge_milestones(scene)
    _write_episodes(package, found, before, ended)
    _write_looks(version, whole, looks, found, is_quiet, told, mark)
    _forget_due(package, ended)
    do_follow_playbooks(scene, panel, reach, found, ended, now=now)
    write_segments(version.model, whole, ended)
    if opened or closed:
        record_act("signals_detected", package, {"opened": opened, "closed": closed}, by=by, now=now)
        crash_point("detect: written")
    return Detected(opened, closed)


def _quiet(
    version: ModelVersion,
    package: str,
    panel: Panel,
    looks: Mapping[int, AccountLook],
    told: Mapping[int, int],
    mark: LogMark,
) -> NDArray[np.bool_]:
    """Rows at which nothing may open now."""
    # Before the first look at anybody, everything that holds has held for an unknown time.
    is_first = not looks and not AccountLook.objects.filter(package=package).exists()

    def is_quiet(account: int) -> bool:
        last = looks.get(account)
        if last is None:
            return is_first or account in told
        is_same = last.version_id == version.pk and last.derivation >= mark.derivation
        return not is_same or told.get(account, 0) > last.import_seal

    return np.array([is_quiet(account) for account in panel.accounts.tolist()], dtype=np.bool_)


def _settled(book: SignalBook, before: Mapping[Place, Episode]) -> dict[str, set[int]]:
    """Accounts by absence at which every rule that asks for it is open or muted: that it goes on changes nothing."""
    found: dict[str, set[int]] = {}
    asking: dict[str, list[tuple[Noun, str] | None]] = {}
    rules = {id(rule.when): (noun, name) for noun, name, rule in book.rules() if book.policy(noun, rule).fast is None}
    for _, _, when in book.whens():
        for condition in when.walk():
            if isinstance(condition, Absence):
                asking.setdefault(condition.id, []).append(rules.get(id(when)))
    for name, asked in asking.items():
        if None not in asked:
            held = [
                {
                    place[0]
                    for place, episode in before.items()
                    if place[1:] == one and episode.phase in ("open", "muted")
                }
                for one in asked
            ]
            found[name] = set.intersection(*held)
    return found


def _unsure(
    panel: Panel, before: Mapping[Place, Episode], is_quiet: NDArray[np.bool_], last: Mapping[int, datetime]
) -> Iterator[tuple[int, int]]:
    """Rows at which only live news may open something, with their accounts."""
    muted = {place[0] for place, episode in before.items() if episode.phase == "muted"}
    for row, account in enumerate(panel.accounts.tolist()):
        if (is_quiet[row] or account in muted) and account in last:
            yield row, account


def _episodes(package: str, panel: Panel) -> dict[Place, Episode]:
    present = set(panel.accounts.tolist())
    rows = named(SignalEpisode.objects.filter(package=package), panel.accounts.tolist())
    return {
        # These words were written down from a rule and an episode.
        (account, cast("Noun", noun), rule): Episode(cast("Phase", phase), since, until)
        for account, noun, rule, phase, since, until in rows.values_list(
            "account_id", "noun", "rule", "phase", "since", "until"
        )
        if account in present
    }


def _write_episodes(package: str, found: Look, before: Mapping[Place, Episode], ended: Sequence[int]) -> None:
    rows = SignalEpisode.objects.filter(package=package)
    for some in in_statements(ended):
        rows.filter(account__in=some).delete()
    over: dict[tuple[Noun, str], list[int]] = {}
    for place, episode in found.episodes.items():
        if episode is None and place in before:
            over.setdefault(place[1:], []).append(place[0])
    for (noun, rule), accounts in over.items():
        for some in in_statements(accounts):
            rows.filter(noun=noun, rule=rule, account__in=some).delete()
    SignalEpisode.objects.bulk_create(
        [
            SignalEpisode(
                account_id=place[0],
                package=package,
                noun=place[1],
                rule=place[2],
                phase=episode.phase,
                since=episode.since,
                until=episode.until,
            )
            for place, episode in found.episodes.items()
            if episode is not None
        ],
        update_conflicts=True,
        unique_fields=["account", "package", "noun", "rule"],
        update_fields=["phase", "since", "until"],
        batch_size=ROWS_A_STATEMENT,
    )


def _write_looks(
    version: ModelVersion,
    panel: Panel,
    looks: Mapping[int, AccountLook],
    found: Look,
    is_quiet: NDArray[np.bool_],
    told: Mapping[int, int],
    mark: LogMark,
) -> None:
    package = version.model.partition("/")[0]
    rows: list[AccountLook] = []
    alike: list[int] = []
    for row, account in enumerate(panel.accounts.tolist()):
        last = looks.get(account)
        known = last.import_seal if last is not None else 0
        after = AccountLook(
            account_id=account,
            package=package,
            version=version,
            looked_at=panel.as_of,
            quiet_at=panel.as_of if is_quiet[row] else last.quiet_at if last is not None else None,
            due_at=found.due.get(account),
            import_seal=max(known, min(told.get(account, 0), mark.seal)),
            derivation=max(mark.derivation, last.derivation if last is not None else 0),
        )
        if last is not None and _remembered(last) == _remembered(after):
            alike.append(last.pk)
        else:
            rows.append(after)
    AccountLook.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "package"],
        update_fields=["version", "looked_at", "quiet_at", "due_at", "import_seal", "derivation"],
        batch_size=ROWS_A_STATEMENT,
    )
    for some in in_statements(alike):
        AccountLook.objects.filter(pk__in=some).update(looked_at=panel.as_of)


def _remembered(look: AccountLook) -> tuple[object, ...]:
    return (look.version_id, look.quiet_at, look.due_at, look.import_seal, look.derivation)


def _forget_due(package: str, ended: Sequence[int]) -> None:
    """Nobody looks at an account that ended until it has news."""
    for some in in_statements(ended):
        AccountLook.objects.filter(package=package, account__in=some, due_at__isnull=False).update(due_at=None)


def due_accounts(most: int, *, now: datetime) -> list[int]:
    """Accounts at which time alone may have changed something, those that wait longest first."""
    rows = AccountLook.objects.filter(due_at__lte=now).order_by("due_at")
    return list(dict.fromkeys(rows.values_list("account_id", flat=True)[:most]))
