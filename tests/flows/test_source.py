"""Sources and keys on the command line: keepwell source, key, secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.serving import environment, keepwell


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sources") / "home"
    assert keepwell(home, "init", "--email", "ada@example.org").returncode == 0
    return home


def done(home: Path, *words: str) -> str:
    found = keepwell(home, *words)
    assert found.returncode == 0, found.stderr
    return found.stdout


def refused(home: Path, *words: str) -> str:
    found = keepwell(home, *words)
    assert (found.returncode, found.stdout) == (1, ""), found.stdout
    assert "Traceback" not in found.stderr
    return found.stderr


def with_input(home: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "keepwell"), *words]
    return subprocess.run(command, env=environment(home), input=text, capture_output=True, text=True, check=False)


def test_a_source_and_its_key_come_and_go(home: Path) -> None:
    assert "keepwell key create --source web-app --kind srv" in done(home, "source", "add", "web-app")
    made = done(home, "key", "create", "--source", "web-app", "--kind", "ing", "--note", "the shop")
    text = next(line.split()[1] for line in made.splitlines() if line.startswith("Key:"))
    assert "not shown again" in made
    listed = done(home, "key", "list")
    assert text[:12] in listed
    assert text not in listed
    (row,) = json.loads(done(home, "key", "list", "--json"))
    assert (row["name"], row["source"], row["note"], row["revoked_at"]) == (text[:12], "web-app", "the shop", None)
    assert "revoked" in done(home, "key", "revoke", text[:12])
    assert "revoked" in done(home, "key", "list")
    assert "refused" not in done(home, "source", "stop", "web-app")
    assert json.loads(done(home, "source", "list", "--json"))[0]["state"] == "stopped"
    done(home, "source", "resume", "web-app")
    (source,) = json.loads(done(home, "source", "list", "--json"))
    assert (source["name"], source["state"], source["received"], source["rejected_share"]) == (
        "web-app", "waiting", 0, None,
    )  # fmt: skip
    assert "never" in done(home, "source", "list")
    assert b"\0" not in text.encode()
    for file in home.rglob("*"):
        assert not file.is_file() or text.encode() not in file.read_bytes()
    assert "each follows" in done(home, "audit", "verify")


def test_what_is_wrong_is_said_with_the_next_step(home: Path) -> None:
    assert (
        "There is a source 'Shop' already"
        in (done(home, "source", "add", "Shop"), refused(home, "source", "add", "shop"))[1]
    )
    assert "expected one of http" in refused(home, "source", "add", "x", "--connector", "htp")
    assert "Did you mean 'Shop'?" in refused(home, "source", "stop", "Shopp")
    assert "expected name=value" in refused(home, "source", "change", "Shop", "--setting", "nonsense")
    assert "--setting name=value or --secret-stdin" in refused(home, "source", "change", "Shop")
    assert "Did you mean 'Shop'?" in refused(home, "key", "create", "--source", "Shpo", "--kind", "ing")
    assert "--address" in refused(home, "key", "create", "--kind", "adm")
    assert "at most 90 days" in refused(
        home, "key", "create", "--kind", "adm", "--address", "10.0.0.0/8", "--days", "91"
    )
    assert "keepwell key list" in refused(home, "key", "revoke", "ing_nonsense")
    assert keepwell(home, "key", "create").returncode == 2


def test_secrets_come_by_standard_input_and_stand_nowhere_in_the_clear(home: Path) -> None:
    secret = "whsec_" + os.urandom(12).hex()
    words = ("source", "add", "billing", "--connector", "stripe", "--secret-stdin")
    assert "Did you mean 'account_metadata'?" in with_input(home, secret, *words, "--setting", "account_meta=x").stderr
    made = with_input(home, f"{secret}\nolder-secret\n", *words, "--setting", "account_metadata=tenant")
    assert made.returncode == 0, made.stderr
    assert "/hooks/stripe/billing" in made.stdout
    assert secret not in made.stdout
    assert "1 source has its secrets encrypted" in done(home, "secret", "rotate")
    for file in home.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    assert "held no secret" in with_input(home, "\n", "source", "change", "billing", "--secret-stdin").stderr
    done(home, "source", "add", "Kiosk")
    assert (
        "with keys and without secrets" in with_input(home, "x", "source", "change", "Kiosk", "--secret-stdin").stderr
    )


def test_secrets_are_encrypted_anew_on_demand(home: Path) -> None:
    assert "encrypted with the new key" in done(home, "secret", "rotate")
    assert (home / "encryption_keys").stat().st_mode & 0o777 == 0o600
    done(home, "secret", "rotate")
    assert len((home / "encryption_keys").read_text().split()) == 2
