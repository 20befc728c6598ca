"""The newsroom's own DKIM keys: made once, kept in ``keys/dkim-SELECTOR``, published by a record in the DNS.

The keys stand outside the database, readable by their owner alone. Letters are signed only where ``dkim`` in the
settings says so: a relay or provider may do it instead.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings

from handbill.delivery.engine.dkim import FEWEST_BITS, KeyTrouble, Signer, load_signer
from handbill.kit.mail_settings import Dkim
from handbill.kit.settings import Settings

KINDS = ("rsa", "ed25519")
MOST_OF_A_STRING = 255  # bytes of one string of a TXT record (RFC 1035 3.3.14)


def signers() -> list[Signer]:
    """Those of the settings, in their order. Raises KeyTrouble when a key is missing or is none."""
    return [read_signer(settings.HANDBILL, one) for one in settings.HANDBILL.dkim]


def read_signer(newsroom: Settings, one: Dkim) -> Signer:
    """A signer with its key. Raises KeyTrouble."""
    path = key_path(newsroom, one.selector)
    try:
        pem = path.read_bytes()
    except OSError:
        raise KeyTrouble(
            f"The key {path} for DKIM can't be read. Make it with `handbill dkim {one.selector}`, or put it back."
        ) from None
    return load_signer(one.domain or newsroom.sender_domain, one.selector, pem)


def make_key(newsroom: Settings, selector: str, kind: str) -> bool:
    """Make the key of a selector, readable by its owner only. False: there is one, which stays as it is."""
    path = key_path(newsroom, selector)
    made = generate_private_key(65537, FEWEST_BITS) if kind == "rsa" else Ed25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return True


def key_path(newsroom: Settings, selector: str) -> Path:
    return newsroom.keys_folder / f"dkim-{selector}"


def record_name(signer: Signer) -> str:
    """Where the record stands in the DNS, without a dot at its end."""
    return f"{signer.selector}._domainkey.{signer.domain}"


def record_text(signer: Signer) -> str:
    """The TXT record (RFC 6376 3.6.1, RFC 8463 4)."""
    return f"v=DKIM1; k={'rsa' if isinstance(signer.key, RSAPrivateKey) else 'ed25519'}; p={public_key(signer)}"


def zone_line(signer: Signer) -> str:
    """The record as a zone file writes it, in strings that are short enough."""
    text = record_text(signer)
    strings = [text[start : start + MOST_OF_A_STRING] for start in range(0, len(text), MOST_OF_A_STRING)]
    return f"{record_name(signer)}. TXT " + " ".join(f'"{each}"' for each in strings)


def public_key(signer: Signer) -> str:
    """The tag ``p=``: base64."""
    public = signer.key.public_key()
    if isinstance(signer.key, RSAPrivateKey):
        return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
