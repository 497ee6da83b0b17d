"""What a preview goes by: an account as it is now, and what is said of all messages at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.base.settings import Settings
from keepwell.jobs.arbitration import IS_EXAMPLE
from keepwell.jobs.contact import Addressee, addressees
from keepwell.jobs.enrolment_effect import MAIL
from keepwell.jobs.enrolment_start import earlier_enrolments
from keepwell.jobs.milestone import is_unwise_to_celebrate
from keepwell.jobs.panel import read_panel, whole_panel
from keepwell.jobs.route import means_of
from keepwell.jobs.score_accounts import score_unwritten
from keepwell.jobs.signal_evidence import Scene
from keepwell.lake.engine import Engine
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.start import Earlier
from keepwell.signals.panel import Panel
from keepwell.store.models import Account, AccountLook, ModelVersion, Touch
from keepwell.store.read.alert import falling_accounts
from keepwell.store.read.package import asking_of, playbooks_of, signals_of, templates_of
from keepwell.store.read.sending import read_sending


@dataclass(frozen=True, slots=True)
class Place:
    """Where playbooks are played: the account as it is now."""

    scene: Scene
    engine: Engine
    facts: Facts
    addressee: Addressee
    earlier: Sequence[Earlier]
    account: int
    now: datetime


def place_of(settings: Settings, engine: Engine, version: ModelVersion, account: Account, now: datetime) -> Place:
    home, signals = Home(settings.home), signals_of(version)
    scored = score_unwritten(home, engine, version, [account.pk], now)
    if not scored.records:
        raise UserError(f"No playbook of {signals.package.id} starts at {account}: nothing came in, or it has left.")
    panel, accounts = read_panel(signals.model, scored.values, scored.scores, scored.records)
    looks = AccountLook.objects.filter(package=signals.package.id, account=account.pk, quiet_at__isnull=False)
    reach = {look.account_id: look.quiet_at for look in looks if look.quiet_at is not None}
    whole = whole_panel(panel, asking_of(version), home, version, reach, {}, is_full=False)
    addressee = addressees(version, accounts, [account.pk], settings.calendar)[account.pk]
    return Place(
        scene=Scene(home, signals, version, whole, accounts, settings.calendar, {}),
        engine=engine,
        facts=Facts(
            panel=whole,
            is_opted_out=addressee.is_opted_out,
            is_unwise=_is_unwise(version, whole, account.pk),
        ),
        addressee=addressee,
        earlier=earlier_enrolments(signals.package.id, [account.pk])[account.pk],
        account=account.pk,
        now=now,
    )


def _is_unwise(version: ModelVersion, panel: Panel, account: int) -> bool:
    if not any(one.celebrates for one in playbooks_of(version).playbooks.values()):
        return False
    return is_unwise_to_celebrate(version, panel, is_falling=bool(falling_accounts([account])))


def notes_of(settings: Settings, versions: Sequence[ModelVersion], contacts: set[int]) -> list[str]:
    sending = read_sending()
    found = []
    if sending.is_stopped:
        found.append("Sending is stopped: what may leave waits until somebody lets it.")
    elif not sending.is_on or means_of(settings).mail_server is None:
        found.append("Sending is off: no mail of this would leave.")
    books = [templates_of(version) for version in versions]
    if any(book is not None and book.settings.is_example for book in books):
        found.append(IS_EXAMPLE)
    waiting = Touch.objects.filter(contact__in=contacts, channel=MAIL, state__in=("draft", "asked", "todo")).count()
    if waiting:
        told = "message of an open enrolment waits" if waiting == 1 else "messages of open enrolments wait"
        found.append(
            f"{waiting} {told} for the same contact and may leave first; what is held back here leaves it out."
        )
    return found
