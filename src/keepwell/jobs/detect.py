"""Detection: what a look at scored accounts opens and closes, written in one transaction with what it follows from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.jobs.alert import do_close_alerts, do_follow_alerts, do_open_alerts
from keepwell.jobs.audit import record_act
from keepwell.jobs.imported import Imported
from keepwell.jobs.milestone import do_judge_milestones, do_reach_milestones
from keepwell.jobs.opportunity import do_close_signs, do_follow_opportunities, do_open_signs
from keepwell.jobs.panel import named, whole_panel
from keepwell.jobs.segment import write_segments
from keepwell.jobs.signal_evidence import Scene
from keepwell.signals.book import Noun, SignalBook
from keepwell.signals.episode import Episode, Phase
from keepwell.signals.look import Look, Place, look
from keepwell.signals.panel import Panel
from keepwell.store.models import (
    Account,
    AccountLook,
    Derivation,
    ModelVersion,
    SignalEpisode,
)

ROWS_A_STATEMENT: Final = 500


@dataclass(frozen=True, slots=True)
class Detected:
    """How many signals opened and closed."""

    opened: int = 0
    closed: int = 0


def do_detect_signals(
    home: Home,
    version: ModelVersion,
    book: SignalBook,
    panel: Panel,
    accounts: Mapping[int, Account],
    ended: Sequence[int],
    calendar: Calendar,
    imported: Mapping[int, Imported],
    *,
    is_full: bool,
    by: str,
    now: datetime,
) -> Detected:
    """Look at the accounts of the panel, and write down every signal that opens or closes. Call it in a transaction.

    `imported` was read before the values were. `ended` are accounts whose subscription is over: their signals close.
    Nothing opens at accounts that an import told of since their last look, or that were last looked at under another
    version.
    """
    package = book.package.id
    looks = {one.account_id: one for one in named(AccountLook.objects.filter(package=package), panel.accounts.tolist())}
    is_quiet = _quiet(version, package, panel, looks, imported)
    quiet_at = {account: one.quiet_at for account, one in looks.items() if one.quiet_at is not None}
    whole = whole_panel(panel, book, home, version, quiet_at, is_full=is_full)
    before = _episodes(package, panel)
    found = look(book, whole, before, is_quiet)
    scene = Scene(home, book, version, whole, accounts, calendar)
    opened = do_open_alerts(scene, found, now=now)
    closed = do_close_alerts(scene, found, ended, now=now)
    do_follow_alerts(scene, now=now)
    opened += do_open_signs(scene, found, now=now)
    closed += do_close_signs(scene, found, ended, now=now)
    do_follow_opportunities(scene, now=now)
    opened += do_reach_milestones(scene, found, now=now)
    do_judge_milestones(scene)
    _write_episodes(package, found, before, ended)
    _write_looks(version, whole, looks, found, is_quiet, imported)
    write_segments(version.model, whole, [*whole.accounts.tolist(), *ended])
    if opened or closed:
        record_act("signals_detected", package, {"opened": opened, "closed": closed}, by=by, now=now)
    return Detected(opened, closed)


def _quiet(
    version: ModelVersion,
    package: str,
    panel: Panel,
    looks: Mapping[int, AccountLook],
    imported: Mapping[int, Imported],
) -> NDArray[np.bool_]:
    """Rows at which nothing may open now."""
    # Before the first look at anybody, everything that holds has held for an unknown time.
    is_first = not looks and not AccountLook.objects.filter(package=package).exists()
    derivations = Derivation.objects.filter(is_changed=True, applied_at__isnull=False).order_by("-applied_at")
    derived_at = derivations.values_list("applied_at", flat=True).first()

    def is_quiet(account: int) -> bool:
        last = looks.get(account)
        told = imported.get(account)
        if last is None:
            return is_first or told is not None
        if told is not None and (told.is_running or told.run > last.import_run):
            return True
        return last.version_id != version.pk or (derived_at is not None and last.looked_at < derived_at)

    return np.array([is_quiet(account) for account in panel.accounts.tolist()], dtype=np.bool_)


def _episodes(package: str, panel: Panel) -> dict[Place, Episode]:
    rows = named(SignalEpisode.objects.filter(package=package), panel.accounts.tolist())
    return {
        # These words were written down from a rule and an episode.
        (account, cast("Noun", noun), rule): Episode(cast("Phase", phase), since, until)
        for account, noun, rule, phase, since, until in rows.values_list(
            "account_id", "noun", "rule", "phase", "since", "until"
        )
    }


def _write_episodes(package: str, found: Look, before: Mapping[Place, Episode], ended: Sequence[int]) -> None:
    rows = SignalEpisode.objects.filter(package=package)
    rows.filter(account__in=ended).delete()
    for noun, rule in {(place[1], place[2]) for place, episode in found.episodes.items() if episode is None}:
        over = [place[0] for place, episode in found.episodes.items() if episode is None and place[1:] == (noun, rule)]
        rows.filter(noun=noun, rule=rule, account__in=over).delete()
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
    imported: Mapping[int, Imported],
) -> None:
    rows = []
    for row, account in enumerate(panel.accounts.tolist()):
        last = looks.get(account)
        quiet_at = panel.as_of if is_quiet[row] else last.quiet_at if last is not None else None
        rows.append(
            AccountLook(
                account_id=account,
                package=version.model.partition("/")[0],
                version=version,
                looked_at=panel.as_of,
                quiet_at=quiet_at,
                due_at=found.due.get(account),
                import_run=max(imported[account].run if account in imported else 0, last.import_run if last else 0),
            )
        )
    AccountLook.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "package"],
        update_fields=["version", "looked_at", "quiet_at", "due_at", "import_run"],
        batch_size=ROWS_A_STATEMENT,
    )


def due_accounts(most: int, *, now: datetime) -> list[int]:
    """Accounts at which time alone may have changed something, those that wait longest first."""
    rows = AccountLook.objects.filter(due_at__lte=now).order_by("due_at")
    return list(dict.fromkeys(rows.values_list("account_id", flat=True)[:most]))
