"""The browser of the page tests: finds an installed Chromium or Chrome, or installs Debian's.

python tests/chromium.py     make sure that there is one; print where it is
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_APPS = ("Google Chrome", "Chromium", "Google Chrome for Testing")
NONE_FOUND = (
    "The page tests need Chromium or Chrome, and none was found. Install one "
    "(Debian: apt-get install chromium; macOS: brew install --cask chromium), "
    "or set KEEPWELL_CHROMIUM to the path of its executable."
)


def find_chromium() -> Path | None:
    named = os.environ.get("KEEPWELL_CHROMIUM")
    if named:
        return Path(named) if Path(named).is_file() else None
    for command in COMMANDS:
        found = shutil.which(command)
        if found:
            return Path(found)
    for folder in (Path("/Applications"), Path.home() / "Applications"):
        for app in MAC_APPS:
            executable = folder / f"{app}.app" / "Contents" / "MacOS" / app
            if executable.is_file():
                return executable
    return None


def chromium_path() -> Path:
    """The executable for Playwright's `executable_path`; an error that says what to do where there is none."""
    found = find_chromium()
    if found is None:
        raise FileNotFoundError(NONE_FOUND)
    return found


def install_from_debian() -> None:
    """Does nothing where there is no apt-get or where we may not use it."""
    if shutil.which("apt-get") is None:
        return
    if os.geteuid() == 0:
        become_root = []
    elif shutil.which("sudo"):
        # Without a terminal nobody can type a password; then sudo must answer at once.
        become_root = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    else:
        return
    print("Installing Debian's chromium for the page tests.", flush=True)
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if subprocess.run([*become_root, *quiet, *install], check=False).returncode != 0:
        # A fresh machine has no list of packages yet.
        subprocess.run([*become_root, "apt-get", "update", "-q"], check=False)
        subprocess.run([*become_root, *quiet, *install], check=False)


def main() -> int:
    if find_chromium() is None and not os.environ.get("KEEPWELL_CHROMIUM"):
        install_from_debian()
    found = find_chromium()
    print(f"Browser for the page tests: {found}" if found else NONE_FOUND)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
