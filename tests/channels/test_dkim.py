"""Mail is signed in the name of the sender's domain, and what cannot be signed waits."""

import sys
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from keepwell.channels.channel import MailServer, Means
from keepwell.channels.contact_mail import ContactMail
from keepwell.channels.kinds.mail import Mail
from keepwell.facts.message import Message
from tests.channels.letters import MESSAGE, NOW, server
from tests.channels.npm_mail_server import npm_mail_server
from tests.channels.peers import mail_server

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RECORD = b"v=DKIM1; k=rsa; p=" + b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "dkim.pem"
    file.write_bytes(pem(KEY))
    return file


def signing(port: int, key_file: Path) -> MailServer:
    return replace(server(port), dkim_selector="kw.2026", dkim_key_file=str(key_file))


def is_signed(body: bytes) -> bool:
    """Whether a receiver that looks the key up in the DNS of the sender's domain believes the signature."""

    def found(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"kw.2026._domainkey.ours.example."
        return RECORD

    return bool(dkim.verify(body, dnsfunc=found))


@pytest.mark.clients
def test_the_signature_holds_for_what_arrives_and_for_nothing_else(key_file: Path) -> None:
    message = replace(MESSAGE, subject="Wie läuft’s? " * 9, name="Zoë", text="Grüße  \n \n.\n" * 30)
    with npm_mail_server() as found:
        channel = ContactMail(signing(found.port, key_file))
        assert channel.send(message).outcome == "sent"
        channel.close()
        (taken,) = found.taken()
    assert is_signed(taken.body)
    for before, after in ((b"a1_-", b"b1_-"), (b"One-Click", b"Two-Click"), (b"success@", b"access1@"), (b"</p>", b"")):
        assert before in taken.body
        assert not is_signed(taken.body.replace(before, after, 1))
    assert not is_signed(b"From: evil@y.example\r\n" + taken.body)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_notices_are_signed_too_whatever_form_the_key_has(key_file: Path, form: PrivateFormat) -> None:
    key_file.write_bytes(pem(KEY, form))
    notice = Message("0f" * 16, "Critical: Zoë – below 20", "The score fell.\n", NOW)
    with mail_server() as boxes:
        receipt = Mail().send("ada@ours.example", notice, Means(signing(boxes.port, key_file)))
    assert receipt.outcome == "sent"
    assert is_signed(boxes.bodies[0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"nonsense", "no key as PEM"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "not of RSA"),
    ],
    ids=["none", "nonsense", "elliptic"],
)
def test_without_a_key_that_can_sign_nothing_leaves(key_file: Path, content: bytes | None, words: str) -> None:
    key_file.unlink() if content is None else key_file.write_bytes(content)
    notice = Message("0f" * 16, "Critical", "The score fell.\n", NOW)
    with mail_server() as boxes:
        to_contact = ContactMail(signing(boxes.port, key_file)).send(MESSAGE)
        to_member = Mail().send("ada@ours.example", notice, Means(signing(boxes.port, key_file)))
    for receipt in (to_contact, to_member):
        assert (receipt.outcome, words in receipt.detail) == ("refused", True)
        assert "PRIVATE" not in receipt.detail
    assert boxes.links == 0


def test_without_the_extra_the_line_that_installs_it_is_said(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dkim", None)
    receipt = ContactMail(signing(1, key_file)).send(MESSAGE)
    assert receipt.outcome == "refused"
    assert "pip install 'keepwell[dkim]'" in receipt.detail
