"""An outbox before a mail server that takes everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from keepwell.jobs.deliver_touch import Outbox
from tests.channels.peers import Mailboxes, mail_server
from tests.jobs.outbox_world import NOW, mail_settings


@pytest.fixture
def boxes() -> Iterator[Mailboxes]:
    with mail_server() as found:
        yield found


@pytest.fixture
def secret_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What signs the links by which contacts get no more messages."""
    monkeypatch.setitem(vars(settings), "SECRET_KEY", "only-for-these-tests-" * 2)


@pytest.fixture
def outbox(tmp_path: Path, boxes: Mailboxes) -> Iterator[Outbox]:
    found = Outbox(mail_settings(tmp_path, boxes), wait_s=20)
    yield found
    found.close(now=NOW)
