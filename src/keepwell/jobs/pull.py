"""Pulls: what another system holds is asked for, and each thing it tells is taken once.

A page is read, its news go into the inbox, and only when they are durable the position moves behind it. A pull that
was killed therefore asks again for one page at most, and what it took of it has the same message ids.
"""

import fcntl
import imaplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final, Literal, cast

from django.db import transaction
from imap_tools.errors import ImapToolsError

from keepwell.base.clock import Clock
from keepwell.base.crash_point import crash_point
from keepwell.base.errors import UserError
from keepwell.base.instant import EPOCH, microseconds
from keepwell.base.registry import kinds
from keepwell.base.settings import is_loopback
from keepwell.connectors import pulls
from keepwell.connectors.connector import Delivery
from keepwell.connectors.hook_event import instant
from keepwell.connectors.imap import Mailbox, Position, fetch_mail
from keepwell.connectors.kinds.mail import Mail
from keepwell.connectors.payload import Part
from keepwell.connectors.pull import Pull, Pulled, Resource
from keepwell.connectors.rest import Asking, MarkGoneError, Page, Patience, pages
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import Reading, Refusal, UnreadableError
from keepwell.jobs.audit import record_act
from keepwell.jobs.inbox import Arrival, Inbox
from keepwell.jobs.reject import HOOK, PULL
from keepwell.jobs.secret import PULL_MARK, Vault, place_of
from keepwell.jobs.touch_answer import do_take_answers, read_answers
from keepwell.store.models import PullPosition, Source, Telling

MAIL: Final = Mail.kind
MAILS_A_PAGE: Final = 50
MAIL_TIMEOUT_S: Final = 60.0
_ROWS: Final = 500
_MAIL: Final = Resource("mail", "", "", {}, "oldest first")

Progress = Callable[[str, int], None]
"""Told the resource and how many of its records were read so far."""


@dataclass(slots=True)
class Outcome:
    """What was read of a resource: records, events that were news, things that were known, and refused records."""

    resource: str
    records: int = 0
    events: int = 0
    known: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Puller:
    """One pull of one source. With `is_dry` the first page of each resource is read, and nothing is written."""

    source: Source
    token: str
    home: Path
    inbox: Inbox
    clock: Clock
    progress: Progress
    patience: Patience = field(default_factory=Patience)
    is_dry: bool = False


def can_pull(source: Source) -> bool:
    return source.connector == MAIL or source.connector in kinds(pulls, Pull)


def pull_token(source: Source, vault: Vault) -> str:
    """What signs in at the source's system, "" where none was entered; of a mailbox any secret is the password."""
    found = vault.decrypt_list(source.secrets, place_of(source.name))
    tokens = [text.removeprefix(PULL_MARK) for text in found if text.startswith(PULL_MARK)]
    return next(iter(tokens or (found if source.connector == MAIL else [])), "")


def do_pull_source(puller: Puller, *, by: str) -> list[Outcome]:
    """Pull all resources of a source; what was taken before an error stays taken, and the next pull goes on there."""
    source = puller.source
    _check(puller)
    outcomes: list[Outcome] = []
    with _alone(puller):
        try:
            if source.connector == MAIL:
                _pull_mail(puller, _begin(outcomes, _MAIL), by)
            else:
                pull = kinds(pulls, Pull)[source.connector]()
                folder = puller.home / "dlt"
                asking = Asking(pull, source.name, source.settings, puller.token, folder, puller.patience)
                for resource in pull.resources:
                    _pull(puller, asking, resource, _begin(outcomes, resource))
        finally:
            if not puller.is_dry and any(outcome.records for outcome in outcomes):
                _record(source, outcomes, by=by, now=puller.clock.now())
    return outcomes


def _begin(outcomes: list[Outcome], resource: Resource) -> Outcome:
    outcomes.append(Outcome(resource.name))
    return outcomes[-1]


def _record(source: Source, outcomes: Sequence[Outcome], *, by: str, now: datetime) -> None:
    details = {
        one.resource: {"records": one.records, "events": one.events, "rejected": one.rejected} for one in outcomes
    }
    with transaction.atomic():
        record_act("pull_source", f"source:{source.pk}", {"name": source.name, **details}, by=by, now=now)


def _check(puller: Puller) -> None:
    source = puller.source
    if not can_pull(source):
        known = ", ".join(sorted({MAIL, *kinds(pulls, Pull)}))
        raise UserError(
            f"The source {source.name!r} comes in by {source.connector!r}, which is not asked; expected one of {known}."
        )
    if not source.is_active:
        raise UserError(f"The source {source.name!r} was stopped; resume it by 'keepwell source resume {source.name}'.")
    if not puller.token:
        expected = "its password" if source.connector == MAIL else kinds(pulls, Pull)[source.connector].expects
        raise UserError(
            f"The source {source.name!r} has no token to sign in with; expected {expected}. Enter it, as a line "
            f"that begins with 'pull:', by 'keepwell source change {source.name} --secret-stdin', which replaces all "
            "secrets of the source."
        )


@contextmanager
def _alone(puller: Puller) -> Iterator[None]:
    with (puller.home / f"pull-{puller.source.pk}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"The source {puller.source.name!r} is being pulled already; wait until it is done."
            ) from None
        yield


@dataclass(slots=True)
class _Place:
    """Where a pull of a resource stands; times are in microseconds since 1970.

    `top` is the newest time of a pull under way that reads from the newest record down.
    """

    row: PullPosition
    since: int = 0
    mark: str | None = None
    top: int = 0
    is_done: bool = False

    @classmethod
    def of(cls, source: Source, resource: Resource) -> "_Place":
        row = PullPosition.objects.filter(source=source.pk, resource=resource.name).first()
        row = row or PullPosition(source=source.pk, resource=resource.name)
        told = Part.of(row.position)
        return cls(
            row,
            int(told.number("since") or 0),
            told.id("mark"),
            int(told.number("top") or 0),
            told.truth("is_done") is True,
        )

    def pass_page(self, page: Page, resource: Resource, known_at: int) -> None:
        """Move behind a page whose events are durable, but not beyond when it was read."""
        newest = min(known_at, max((_time(record, resource) for record in page.records), default=0))
        if resource.order == "oldest first":
            self.since = max(self.since, newest)
            self.mark = (page.mark or self.mark) if resource.keeps_mark else None
            return
        self.top = max(self.top, newest)
        self.mark = page.mark
        if page.is_last:
            self.since, self.mark, self.top, self.is_done = max(self.since, self.top), None, 0, True

    def save(self, now: datetime) -> None:
        self.row.position = {"since": self.since, "mark": self.mark, "top": self.top, "is_done": self.is_done}
        self.row.saved_at = now
        self.row.save()


def _time(record: object, resource: Resource) -> int:
    try:
        return (instant(Part.of(record), resource.cursor) or 0) if resource.cursor else 0
    except RefusedError:
        return 0


def _pull(puller: Puller, asking: Asking, resource: Resource, outcome: Outcome) -> None:
    place = _Place.of(puller.source, resource)
    if resource.is_once and place.is_done:
        return
    asked = place.since - resource.overlap_s * 1_000_000
    while True:
        before = place.since
        try:
            is_over = _pull_pages(puller, asking, resource, place, outcome, asked)
        except MarkGoneError:
            # The records between are asked for again; what is known of them is no news.
            place.mark = None
            continue
        if is_over:
            return
        asked = place.since
        if asked <= before:
            raise UserError(
                f"{asking.pull.title} gives only {resource.most:,} records of {resource.name} at a time, and more "
                "changed at the same moment; the later ones cannot be asked for."
            )


def _pull_pages(
    puller: Puller, asking: Asking, resource: Resource, place: _Place, outcome: Outcome, since: int
) -> bool:
    """False when the system gives no more to this question, although there is more."""
    with closing(pages(asking, resource, since=since, mark=place.mark)) as found:
        return _take_pages(puller, asking, resource, place, outcome, found)


def _take_pages(
    puller: Puller, asking: Asking, resource: Resource, place: _Place, outcome: Outcome, asked: Iterator[Page]
) -> bool:
    read = 0
    for page in asked:
        now = puller.clock.now()
        known_at = microseconds(now)
        name, settings = resource.name, asking.settings
        found = [asking.pull.read(name, record, settings, known_at=known_at) for record in page.records]
        news = _News.of(puller.source, resource, found)
        outcome.records += len(page.records)
        outcome.known += news.known
        outcome.events += len(news.reading.events)
        outcome.rejected += len(news.reading.refusals)
        puller.progress(resource.name, outcome.records)
        if puller.is_dry:
            return True
        if news.reading.received:
            puller.inbox.keep(Arrival(puller.source.pk, 0, now, f"{PULL}{asking.pull.kind}", news.reading))
        crash_point("pull: kept")
        with transaction.atomic():
            place.pass_page(page, resource, known_at)
            news.save()
            place.save(now)
        crash_point("pull: saved")
        read += len(page.records)
        if resource.most and read + len(page.records) > resource.most and not page.is_last:
            return False
    return True


@dataclass(slots=True)
class _News:
    """What of a page is not known yet."""

    reading: Reading = field(default_factory=Reading)
    known: int = 0
    told: dict[str, Telling] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source, resource: Resource, found: Sequence[list[Pulled] | Refusal]) -> "_News":
        news = cls()
        slots = [
            slot
            for one in found
            for slot in ([_refused(resource, one)] if isinstance(one, Refusal) else [each.slot for each in one])
        ]
        last = _last_told(source, {slot for slot in slots if slot})
        for one in found:
            if isinstance(one, Refusal):
                body = sha256(one.body).hexdigest()
                if news.is_new(source, last, _refused(resource, one), body, at=0, is_once=False):
                    news.reading.refusals.append(one)
                continue
            for each in one:
                event = each.event
                content = f"{event.name}\0{event.account}\0{event.contact}\0{event.props}"
                digest = sha256(content.encode()).hexdigest()
                if not each.slot or news.is_new(source, last, each.slot, digest, at=event.at, is_once=each.is_once):
                    news.reading.events.append(event)
        return news

    def is_new(
        self, source: Source, last: dict[str, Telling], slot: str, digest: str, *, at: int, is_once: bool
    ) -> bool:
        row = last.get(slot)
        if row is not None and (is_once or row.digest == digest):
            self.known += 1
            return False
        number = row.number + 1 if row is not None else 1
        moment = EPOCH + timedelta(microseconds=at)
        last[slot] = self.told[slot] = Telling(source=source.pk, key=slot, digest=digest, number=number, at=moment)
        return True

    def save(self) -> None:
        Telling.objects.bulk_create(
            self.told.values(),
            update_conflicts=True,
            update_fields=["digest", "number", "at"],
            unique_fields=["source", "key"],
            batch_size=_ROWS,
        )


def _refused(resource: Resource, refusal: Refusal) -> str:
    return f"refused:{resource.name}:{refusal.message_id or sha256(refusal.body).hexdigest()}"


def _last_told(source: Source, slots: set[str]) -> dict[str, Telling]:
    ordered, found = sorted(slots), {}
    for start in range(0, len(ordered), _ROWS):
        for row in Telling.objects.filter(source=source.pk, key__in=ordered[start : start + _ROWS]):
            found[row.key] = row
    return found


def _pull_mail(puller: Puller, outcome: Outcome, by: str) -> None:
    row = PullPosition.objects.filter(source=puller.source.pk, resource=_MAIL.name).first()
    row = row or PullPosition(source=puller.source.pk, resource=_MAIL.name)
    try:
        while _pull_mails(puller, row, outcome, by) and not puller.is_dry:
            pass
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        host = puller.source.settings.get("host")
        raise UserError(
            f"The mailbox at {host} could not be read: {str(error)[:200]}. Check host, port, name and the password of "
            f"the source {puller.source.name!r}; what was pulled before is kept."
        ) from None


def _pull_mails(puller: Puller, row: PullPosition, outcome: Outcome, by: str) -> bool:
    """Take the next mails; False when there were none."""
    told = Part.of(row.position)
    validity, uid = told.number("validity"), told.number("uid")
    after = None if validity is None or uid is None else Position(int(validity), int(uid))
    found = list(islice(fetch_mail(_mailbox(puller), after, limit=MAILS_A_PAGE, timeout=MAIL_TIMEOUT_S), MAILS_A_PAGE))
    if not found:
        return False
    now = puller.clock.now()
    read = [(body, _read_mail(body, puller.source.settings, microseconds(now))) for _, body in found]
    answers = read_answers([(body, one.events) for body, one in read])
    reading = Reading(answers.events, [refusal for _, one in read for refusal in one.refusals])
    outcome.records += len(found)
    outcome.events += len(reading.events)
    outcome.rejected += len(reading.refusals)
    puller.progress(_MAIL.name, outcome.records)
    if puller.is_dry:
        return True
    if reading.received:
        puller.inbox.keep(Arrival(puller.source.pk, 0, now, f"{HOOK}{MAIL}", reading))
    position = found[-1][0]
    row.position = {"validity": position.validity, "uid": position.uid}
    row.saved_at = now
    with transaction.atomic():
        do_take_answers(answers, by=by, now=now)
        row.save()
    return True


def _read_mail(body: bytes, settings: dict[str, object], known_at: int) -> Reading:
    mail = Mail()
    try:
        return mail.read(Delivery("POST", "", {}, body, known_at), settings)
    except UnreadableError as error:
        return Reading(refusals=[Refusal(0, error.code, error.sentence, "", mail.kept(body, settings))])


def _mailbox(puller: Puller) -> Mailbox:
    settings = Part.of(puller.source.settings)
    host, name = settings.words("host"), settings.id("name")
    if not host or not name:
        raise UserError(
            f"The source {puller.source.name!r} has no host or no name; set them by 'keepwell source change "
            f"{puller.source.name} --setting host=imap.example.org --setting name=…'."
        )
    security = settings.words("security") or "tls"
    if security not in ("tls", "starttls", "none") or (security == "none" and not is_loopback(host)):
        raise UserError(f"The setting security is {security!r}; expected tls or starttls, or none on this machine.")
    port, folder = settings.number("port"), settings.words("folder")
    chosen = cast("Literal['tls', 'starttls', 'none']", security)
    return Mailbox(host, int(port or 993), name, puller.token, folder or "INBOX", chosen)
