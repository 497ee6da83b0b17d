"""A real `keepwell serve` with a made-up company, keys for everybody, and its complaints in a file."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.connectors.hook import SECRET
from tests.web.serving import environment, keepwell, stop_server

BUILD: Final = Path(__file__).parents[2] / "build" / "fuzz"
# The tests of limits are elsewhere; here nothing should be refused for its number.
MANY: Final = "1000000"
MAKE_KEYS: Final = """
import sys
from datetime import UTC, datetime, timedelta
from keepwell.base.clock import SystemClock
from keepwell.cli.start import start
settings = start()
from keepwell.jobs.key import do_create_key
from keepwell.jobs.secret import open_vault
from keepwell.jobs.source import do_create_source
from keepwell.store.models import Source
now = SystemClock().now()
for name, connector, secrets in (("fuzz", "http", []), ("fuzz-survey", "survey", [sys.argv[2]])):
    if not Source.objects.filter(name=name).exists():
        vault = open_vault(settings)
        do_create_source(name, connector=connector, secrets=secrets, vault=vault, by="cli:fuzz", now=now)
for kind, count in (("ing", int(sys.argv[1])), ("srv", 5), ("red", int(sys.argv[1])), ("adm", int(sys.argv[1]))):
    more = {"source": "fuzz"} if kind in ("ing", "srv") else {"addresses": ["127.0.0.1"]} if kind == "adm" else {}
    for _ in range(count):
        print(do_create_key(kind, by="cli:fuzz", now=now, **more)[1])
"""


@dataclass(frozen=True, slots=True)
class Served:
    """Where it listens, its keys by kind, and the file of what it complained about."""

    address: str
    keys: dict[str, list[str]]
    log: Path
    home: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def complaints(self) -> list[str]:
        """The last lines of every traceback; a server that answers well writes none."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return sorted(
            {line[:200] for line in lines if line[:1].isalpha() and ("Error: " in line or "Exception" in line)}
        )


def full_home() -> Path:
    """A home with accounts and scores; made once, which takes a minute."""
    home = BUILD / "home"
    if not (home / "made").exists():
        home.mkdir(parents=True, exist_ok=True)
        done = keepwell(home, "demo")
        assert done.returncode == 0, done.stderr
        (home / "made").touch()
    return home


@contextmanager
def served(home: Path, *, api_keys: int = 30) -> Iterator[Served]:
    made = subprocess.run(
        [sys.executable, "-c", MAKE_KEYS, str(api_keys), SECRET],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    keys: dict[str, list[str]] = {}
    for text in made.stdout.split():
        keys.setdefault(text[:3], []).append(text)
    log = home / "serve.log"
    command = [str(Path(sys.executable).parent / "keepwell"), "serve", "--port", "0", "--no-worker"]
    with log.open("w", encoding="utf-8") as complaints:
        more = environment(home, KEEPWELL_INTAKE_REQUESTS_A_MINUTE=MANY)
        process = subprocess.Popen(command, env=more, stdout=subprocess.PIPE, stderr=complaints, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.split()[3].rstrip("/") if line.startswith("Keepwell is at") else ""
        assert address, line
        try:
            yield Served(address, keys, log, home)
        finally:
            stop_server(process)
