"""Log in to a relay: what is said for each mechanism of AUTH. Pure: chance is an argument.

SCRAM-SHA-256 (RFC 5802, 7677) comes first, for it never shows the password and proves that the relay knows it, too;
then PLAIN (RFC 4616) and LOGIN. A password that begins with ``bearer `` is a token and goes by XOAUTH2. The connection
is encrypted by then, or stays on this machine (see ``greeting``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Generator

from handbill.delivery.engine.replies import Reply

BEARER = "bearer "
MOST_ITERATIONS = 1_000_000  # a relay may not keep us busy for longer
FEWEST_ITERATIONS = 4096  # RFC 7677 4

Exchange = Generator[bytes, Reply, Reply]
"""Gives lines to send, is sent their replies, returns the last one."""


class LoginError(ValueError):
    """The relay's part of a login makes no sense, or proves that it doesn't know the password."""


def best_login(offered: frozenset[str], password: str) -> Callable[[str, str, str], Exchange] | None:
    """The mechanism to use, as a function of user, password and a fresh nonce; None when there is none we know."""
    names = ("XOAUTH2",) if password.startswith(BEARER) else ("SCRAM-SHA-256", "PLAIN", "LOGIN")
    return next((_MECHANISMS[name] for name in names if name in offered), None)


def _plain(user: str, password: str, nonce: str) -> Exchange:
    return (yield _line("AUTH PLAIN ", f"\0{user}\0{password}"))


def _login(user: str, password: str, nonce: str) -> Exchange:
    reply = yield b"AUTH LOGIN\r\n"
    for answer in (user, password):
        if reply.code != 334:
            return reply
        reply = yield _line("", answer)
    return reply


def _xoauth2(user: str, password: str, nonce: str) -> Exchange:
    token = password.removeprefix(BEARER).strip()
    reply = yield _line("AUTH XOAUTH2 ", f"user={user}\x01auth=Bearer {token}\x01\x01")
    return (yield b"\r\n") if reply.code == 334 else reply  # an error's details, which want an empty answer


def _scram(user: str, password: str, nonce: str) -> Exchange:
    escaped = user.replace("=", "=3D").replace(",", "=2C")
    first = f"n={escaped},r={nonce}"
    reply = yield _line("AUTH SCRAM-SHA-256 ", f"n,,{first}")
    if reply.code != 334:
        return reply
    challenge = _decoded(reply.text)
    given = _attributes(challenge)
    salted = _salted(password, given, nonce)
    final = f"c=biws,r={given['r']}"
    signed = f"{first},{challenge},{final}".encode()
    client_key = _hmac(salted, b"Client Key")
    signature = _hmac(hashlib.sha256(client_key).digest(), signed)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    reply = yield _line("", f"{final},p={base64.b64encode(proof).decode()}")
    if reply.code >= 400:
        return reply
    proven = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), signed)).decode()
    if not hmac.compare_digest(_attributes(_decoded(reply.text)).get("v", ""), proven):
        raise LoginError("The relay doesn't know the password itself.")
    return (yield b"\r\n") if reply.code == 334 else reply


def _salted(password: str, given: dict[str, str], nonce: str) -> bytes:
    count = given.get("i", "")
    if not given.get("r", "").startswith(nonce) or given["r"] == nonce or not count.isdecimal():
        raise LoginError("The relay's challenge is none.")
    if not FEWEST_ITERATIONS <= int(count[:9]) <= MOST_ITERATIONS:
        raise LoginError("The relay asks for too few or too many rounds.")
    return hashlib.pbkdf2_hmac("sha256", password.encode(), _b64(given.get("s", "")), int(count[:9]))


def _attributes(text: str) -> dict[str, str]:
    return {name: value for name, equals, value in (part.partition("=") for part in text.split(",")) if equals}


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _decoded(text: str) -> str:
    # In a final reply of 235 the server's word comes after an enhanced code, in a 334 alone.
    return _b64(text.split()[-1] if text.split() else "").decode("utf-8", "replace")


def _b64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise LoginError("The relay's challenge is no base64.") from None


def _line(command: str, value: str) -> bytes:
    return f"{command}{base64.b64encode(value.encode()).decode()}\r\n".encode()


_MECHANISMS: dict[str, Callable[[str, str, str], Exchange]] = {
    "SCRAM-SHA-256": _scram,
    "PLAIN": _plain,
    "LOGIN": _login,
    "XOAUTH2": _xoauth2,
}
