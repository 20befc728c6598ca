"""Sign copies with DKIM (RFC 6376, RFC 8463): RSA and Ed25519, relaxed canonicalisation of headers and body. Pure.

What all copies of a letter share is made canonical once, and the hash of the body up to the first slot is kept: a copy
costs what is its own. Every header that could be added a second time to deceive a reader is signed once more than it
occurs, and with the list headers one-click unsubscription is covered (RFC 8058 4).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from handbill.delivery.engine.stamp import Stamp
from handbill.kit.errors import GiveUp

FEWEST_BITS = 2048  # RFC 8301 asks for 1,024, and receivers for more
LEAST_ONCE_MORE = ("from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post")
ALSO = ("mime-version", "content-type", "list-id", "auto-submitted", "content-language", "reply-to", "feedback-id")

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_BLANKS = re.compile(rb"[ \t]+")
_BLANKS_AT_END = re.compile(rb"[ \t]+\r\n")
_FOLD = re.compile(rb"\r\n(?=[ \t])")


class KeyTrouble(GiveUp):
    """The key is none that mail is signed with, or the domain or selector is none."""


@dataclass(frozen=True, slots=True)
class Signer:
    """One key, published at ``selector._domainkey.domain``."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """As the tag ``a=`` names it."""
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def signature(self, signed: bytes) -> bytes:
        """Over the canonical headers; Ed25519 signs their hash (RFC 8463 3)."""
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(signed, PKCS1v15(), SHA256())
        return self.key.sign(hashlib.sha256(signed).digest())


def load_signer(domain: str, selector: str, pem: bytes) -> Signer:
    """A signer from a private key without a password. Raises KeyTrouble with what to do."""
    if not (_NAME.fullmatch(domain) and _NAME.fullmatch(selector)):
        raise KeyTrouble("A domain or selector for DKIM is no name. Use letters, digits, dots and hyphens.")
    try:
        key: Any = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyTrouble("The key for DKIM can't be read. Give a private key in PEM form without a password.") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise KeyTrouble("Mail is signed with RSA or Ed25519. Make a key of one of these for DKIM.")
    if isinstance(key, RSAPrivateKey) and key.key_size < FEWEST_BITS:
        raise KeyTrouble(f"The key for DKIM is too short. Make one of {FEWEST_BITS} bits.")
    return Signer(domain, selector, key)


class SignedStamp:
    """A letter whose copies are signed by each of ``signers``: ``parts`` is that of Stamp with signatures before it."""

    def __init__(self, stamp: Stamp, signers: Sequence[Signer]) -> None:
        self.envelope_from = stamp.envelope_from
        self._stamp, self._signers = stamp, signers
        top, *rest = stamp.template.parts
        head, _, body = top.partition(b"\r\n\r\n")
        self._shared = canonical_headers(head + b"\r\n")
        self._begun = hashlib.sha256(canonical_piece(body))
        self._rest = [canonical_piece(part) for part in rest]

    def parts(self, to: str, message_id: str, date: datetime, token: str) -> tuple[list[bytes], int]:
        """One recipient's signed message as parts, and their size in bytes. Raises StampError as Stamp does."""
        parts, size = self._stamp.parts(to, message_id, date, token)
        body_hash = base64.b64encode(self._body_hash(parts)).decode()
        headers = canonical_headers(parts[0]) + self._shared
        signatures = [self._sign(signer, headers, body_hash, int(date.timestamp())) for signer in self._signers]
        return [*signatures, *parts], size + sum(map(len, signatures))

    def _body_hash(self, parts: Sequence[bytes]) -> bytes:
        digest = self._begun.copy()
        for own, shared in zip(parts[2:], self._rest, strict=True):
            digest.update(shared or own)  # a token has no blanks
        return digest.digest()

    def _sign(self, signer: Signer, headers: list[tuple[str, bytes]], body_hash: str, at: int) -> bytes:
        known = [(name, line) for name, line in headers if name in LEAST_ONCE_MORE or name in ALSO]
        names = ":".join([*(name for name, _ in known), *LEAST_ONCE_MORE])
        unsigned = (
            f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed; d={signer.domain};\r\n"
            f" s={signer.selector}; t={at}; h={_folded(names, ':')};\r\n bh={body_hash};\r\n b="
        )
        # Headers that occur more than once are signed from the last one up (RFC 6376 5.4.2).
        ((_, own),) = canonical_headers(f"{unsigned}\r\n".encode())
        signed = b"".join(line for _, line in known) + own.removesuffix(b"\r\n")
        value = base64.b64encode(signer.signature(signed)).decode()
        return f"{unsigned}{_wrapped(value)}\r\n".encode()


def canonical_headers(head: bytes) -> list[tuple[str, bytes]]:
    """Name in small letters and canonical line of each header (RFC 6376 3.4.2)."""
    found = []
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            word = name.strip(b" \t").lower()
            found.append(
                (word.decode("ascii", "replace"), word + b":" + _BLANKS.sub(b" ", value).strip(b" ") + b"\r\n")
            )
    return found


@lru_cache(maxsize=1024)
def canonical_piece(piece: bytes) -> bytes:
    """Whole lines of a body in canonical form (RFC 6376 3.4.4); our bodies have no empty lines at their end.

    Kept, since letters share their pieces.
    """
    return _BLANKS_AT_END.sub(b"\r\n", _BLANKS.sub(b" ", piece))


def _folded(names: str, at: str) -> str:
    lines, line = [], ""
    for word in names.split(at):
        if line and len(line) + len(word) > 70:
            lines.append(line)
            line = ""
        line += f"{word}{at}"
    return "\r\n ".join([*lines, line.removesuffix(at)])


def _wrapped(value: str) -> str:
    return "\r\n ".join(value[start : start + 72] for start in range(0, len(value), 72))
