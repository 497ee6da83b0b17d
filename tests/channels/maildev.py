"""maildev of npm: a mail server whose mail a developer reads in a browser, and a test over HTTP."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from tests.channels.peers import free_port
from tests.node import CLIENTS

PATIENCE_S: Final = 30


@dataclass(frozen=True, slots=True)
class Maildev:
    port: int
    pages: str

    def read(self) -> list[dict[str, Any]]:
        """Its mails as it understood them, oldest first."""
        found: list[dict[str, Any]] = json.loads(self._asked("/email"))
        return found

    def source(self, mail_id: str) -> bytes:
        """A mail as it came."""
        return self._asked(f"/email/{mail_id}/source")

    def _asked(self, path: str) -> bytes:
        with urlopen(self.pages + path, timeout=10) as answer:
            found: bytes = answer.read()
            return found


@contextmanager
def maildev() -> Iterator[Maildev]:
    """A running server, once it takes mail."""
    port, page = free_port(), free_port()
    command = [
        shutil.which("node") or "node", str(CLIENTS / "node_modules" / "maildev" / "bin" / "maildev"),
        "--ip", "127.0.0.1", "--smtp", str(port), "--web-ip", "127.0.0.1", "--web", str(page), "--silent",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    found = Maildev(port, f"http://127.0.0.1:{page}")
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not _is_up(found):
            assert process.poll() is None, "maildev ended"
            assert time.monotonic() < deadline, "maildev did not start"
            time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _is_up(server: Maildev) -> bool:
    try:
        server.read()
    except (URLError, ConnectionError):
        return False
    return True
