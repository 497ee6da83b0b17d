"""Runs the command `keepwell` on a home, also as a server."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KEEPWELL_", "DJANGO_"))}
    return {**kept, "KEEPWELL_HOME": str(home), "PYTHONUNBUFFERED": "1", **more}


def keepwell(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "keepwell"), *words]
    return subprocess.run(command, env=environment(home, **more), capture_output=True, text=True, check=False)


def start_server(home: Path, *words: str, **more: str) -> tuple[subprocess.Popen[str], str]:
    """The process and the address it printed."""
    command = [str(Path(sys.executable).parent / "keepwell"), "serve", "--port", "0", *words]
    process = subprocess.Popen(command, env=environment(home, **more), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+?(?=/ )", line)
    assert found, line
    return process, found.group(0)


def stop_server(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=15)
    if process.stdout is not None:
        process.stdout.close()
    return code
