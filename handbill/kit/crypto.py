"""Sealing, keyed hashes and signed tokens. Pure: keys come in as arguments.

Sealing is AES-256-GCM with the row's id as associated data, so a sealed value moved to another row doesn't open.
Tokens are ``SUBJECT.MAC`` in URL-safe base64 without padding; the MAC covers a purpose, so that a token made for one
page opens no other. A hidden number is one AES block of the number and zeros: sixteen bytes that tell nothing and
can't be made without the key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from handbill.kit.errors import GiveUp
from handbill.kit.keys import Key

_NONCE = 12
_MAC = 16


def seal(key: Key, text: str, bound_to: str) -> bytes:
    """Encrypt ``text``; only ``unseal`` with the same ``bound_to`` opens it. Shape: key id, nonce, ciphertext, tag."""
    nonce = secrets.token_bytes(_NONCE)
    return bytes([key.current]) + nonce + _sealer(key.secret).encrypt(nonce, text.encode(), bound_to.encode())


def unseal(key: Key, sealed: bytes, bound_to: str) -> str:
    """Open what ``seal`` made. Raises GiveUp when the key is gone or the bytes are not this row's."""
    sealed = bytes(sealed)
    secret = key.by_id.get(sealed[0]) if sealed else None
    if secret is None:
        raise GiveUp(
            "A sealed address names a key that is not in the keys folder. Put back the folder from your backup."
        )
    try:
        body = _sealer(secret).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], bound_to.encode())
    except (InvalidTag, ValueError):
        raise GiveUp("A sealed address doesn't open: its row or its key was changed. Restore both together.") from None
    return body.decode()


def keyed_hash(key: Key, text: str) -> str:
    """HMAC-SHA-256 of ``text`` in hexadecimal (64 characters): finds an address without storing it."""
    return _hmac(key.secret, text).hex()


def hash_under(secret: bytes, text: str) -> str:
    """The same under a key of any age."""
    return _hmac(secret, text).hex()


def sign_token(key: Key, purpose: str, subject: str) -> str:
    """A link token for ``subject`` (printable, no dot) that only ``read_token`` with the same purpose accepts."""
    return f"{subject}.{_mac(key.secret, purpose, subject)}"


def read_token(key: Key, purpose: str, token: str) -> str | None:
    """The subject of a genuine token, else None. Any earlier key still reads."""
    subject, dot, mac = token.partition(".")
    if not dot or not subject or not token.isascii():
        return None
    good = any(hmac.compare_digest(mac, _mac(secret, purpose, subject)) for secret in key.by_id.values())
    return subject if good else None


def hide_number(key: Key, purpose: str, number: int) -> bytes:
    """Sixteen bytes that stand for ``number`` (0 to 2**64 - 1), always the same; only ``find_number`` reads them."""
    return _hider(key.secret, purpose).update(number.to_bytes(8, "big") + bytes(8))


def find_number(key: Key, purpose: str, hidden: bytes) -> int | None:
    """The number in what ``hide_number`` made with the same purpose, else None. Any earlier key still reads."""
    if len(hidden) != 16:
        return None
    for secret in key.by_id.values():
        block = _block_cipher(secret, purpose).decryptor().update(hidden)
        if hmac.compare_digest(block[8:], bytes(8)):
            return int.from_bytes(block[:8], "big")
    return None


@lru_cache(maxsize=16)
def _block_cipher(secret: bytes, purpose: str) -> Cipher[ECB]:
    """One block alone, so that a mode has nothing to chain; each purpose has a key of its own. Every copy asks."""
    return Cipher(AES(hmac.new(secret, f"block\0{purpose}".encode(), hashlib.sha256).digest()), ECB())  # noqa: S305


@lru_cache(maxsize=16)
def _hider(secret: bytes, purpose: str) -> CipherContext:
    """Kept, since making it costs six times the block; with ECB no block leaves anything behind for the next."""
    return _block_cipher(secret, purpose).encryptor()


@lru_cache(maxsize=16)
def _sealer(secret: bytes) -> AESGCM:
    """Kept, since its key schedule costs more than sealing an address."""
    return AESGCM(secret)


def _mac(secret: bytes, purpose: str, subject: str) -> str:
    digest = _hmac(secret, f"{purpose}\0{subject}")
    return base64.urlsafe_b64encode(digest[:_MAC]).rstrip(b"=").decode()


def _hmac(secret: bytes, text: str) -> bytes:
    """HMAC-SHA-256. ``hmac.digest`` takes in the key anew at each call, which costs two thirds of it."""
    inner, outer = _keyed(secret)
    inner, outer = inner.copy(), outer.copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=16)
def _keyed(secret: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two hashes of RFC 2104 with the key taken in."""
    block = (secret if len(secret) <= 64 else hashlib.sha256(secret).digest()).ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)
