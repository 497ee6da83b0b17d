"""Signs mail in the name of the sender's domain by DKIM (RFC 6376), where the settings name a key.

RFC 8058 wants the signature to cover both headers of the one click.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from keepwell.base.errors import UserError
from keepwell.channels.channel import MailServer


class UnsignedMailError(UserError):
    """A mail that cannot be signed as the settings ask; says why, and never shows the key."""


def signed(mail: bytes, server: MailServer) -> bytes:
    """The mail behind its signature, or as it is where no key is named; raises `UnsignedMailError`."""
    if not server.dkim_selector:
        return mail
    try:
        import dkim
    except ImportError:
        raise UnsignedMailError(
            "Signing mail needs dkimpy, which is not installed; install it by pip install 'keepwell[dkim]'."
        ) from None
    signer = dkim.DKIM(mail)
    signer.should_sign.add(b"list-unsubscribe-post")
    try:
        header: bytes = signer.sign(
            server.dkim_selector.encode(),
            server.sender.rpartition("@")[2].encode(),
            _key(server.dkim_key_file),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=signer.default_sign_headers(),
        )
    except (dkim.DKIMException, ValueError) as error:
        raise UnsignedMailError(f"The mail cannot be signed: {type(error).__name__} {error}"[:200]) from None
    return header + mail


def _key(file: str) -> bytes:
    """The key in the one form that dkimpy reads. It is read for each mail, so a new one counts at once."""
    try:
        key = load_pem_private_key(Path(file).read_bytes(), password=None)
    except OSError as error:
        raise UnsignedMailError(f"The key to sign mail with cannot be read from {file}: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise UnsignedMailError(f"{file} holds no key as PEM without a password; make one of RSA.") from None
    if not isinstance(key, RSAPrivateKey):
        raise UnsignedMailError(f"The key in {file} is not of RSA, which is what every provider checks.")
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
