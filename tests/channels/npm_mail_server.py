"""The mail server of npm's package smtp-server, which answers as a test asks."""

import json
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from tests.node import CLIENTS


@dataclass(frozen=True, slots=True)
class TakenMail:
    """A mail whose final dot the server saw and that it did not refuse."""

    body: bytes
    sender: str
    to: list[str]

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.body, policy=default)


class NpmMailServer:
    """A running server. `plan` says how it answers from now on; see tests/clients/mail_server.mjs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.port: int = self._heard()["port"]

    def plan(self, stage: str, how: str) -> None:
        self._asked({"stage": stage, "how": how})

    def taken(self) -> list[TakenMail]:
        """What it took since it was asked last."""
        told = self._asked({"ask": "taken"})["taken"]
        return [TakenMail(b64decode(one["mail"]), one["from"], one["to"]) for one in told]

    def _asked(self, told: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def npm_mail_server(*words: str) -> Iterator[NpmMailServer]:
    command = [shutil.which("node") or "node", str(CLIENTS / "mail_server.mjs"), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield NpmMailServer(process)
        finally:
            process.kill()
