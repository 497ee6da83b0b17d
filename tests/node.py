"""Programs of others that send to the intake, and the Node.js that runs those from npm; the tests run them unmodified.

python tests/node.py     install them; say in one line whether they run; fail where they are required and cannot

Those from npm lie in tests/clients/node_modules, those from PyPI in .venv-clients, which `make clients` fills.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = 20
CLIENTS = Path(__file__).parent / "clients"
PYTHON = Path(__file__).parents[1] / ".venv-clients" / "bin" / "python"
_LOCK = "package-lock.json"


def node_major() -> int | None:
    """Major version of the Node.js on the PATH; None where there is none that answers."""
    node = shutil.which("node")
    if node is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.", answer.stdout)
    return int(found.group(1)) if found else None


def clients_are_required() -> bool:
    return os.environ.get("KEEPWELL_REQUIRE_CLIENTS") == "1"


def missing_node() -> str | None:
    """Why programs of npm cannot run here, or None where they can."""
    found = node_major()
    if found is not None and found >= NEEDED and shutil.which("npm"):
        return None
    have = (
        "none was found"
        if found is None
        else f"this machine has Node.js {found}"
        if found < NEEDED
        else "npm is missing"
    )
    return f"the clients of npm need Node.js {NEEDED} or newer with npm, and {have}."


def missing_clients() -> str | None:
    """Why the tests with clients cannot run, or None where they can."""
    missing = missing_node()
    if missing is None and not (_is_installed() and PYTHON.exists()):
        return "the clients are not installed; run make clients."
    return missing


def run_node(script: str, told: object) -> object:
    """What a script of tests/clients answers as JSON, once it was told something as JSON."""
    node = shutil.which("node") or "node"
    done = subprocess.run(
        [node, str(CLIENTS / script)], input=json.dumps(told), capture_output=True, text=True, check=True, timeout=60
    )
    answer: object = json.loads(done.stdout)
    return answer


def _is_installed() -> bool:
    """The installed packages are those of the lock, as it was when they were installed."""
    stamp = CLIENTS / "node_modules" / _LOCK
    return stamp.is_file() and stamp.read_bytes() == (CLIENTS / _LOCK).read_bytes()


def _install() -> str | None:
    """Install exactly the lock; None, or why that failed. No package's own scripts are run."""
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        shutil.copyfile(CLIENTS / _LOCK, CLIENTS / "node_modules" / _LOCK)
        return None
    said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
    return f"npm ci failed: {' '.join(said[:3]) or f'status {done.returncode}'}"


def main() -> int:
    missing = missing_node() or (None if _is_installed() else _install())
    if missing is None:
        print(f"Clients run on Node.js {node_major()}.")
    elif clients_are_required():
        print(f"KEEPWELL_REQUIRE_CLIENTS=1 asks for the tests with clients, but {missing}")
    else:
        print(f"Tests with clients are NOT run: {missing}")
    return 1 if missing and clients_are_required() else 0


if __name__ == "__main__":
    sys.exit(main())
