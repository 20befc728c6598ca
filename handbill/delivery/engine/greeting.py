"""Greet a relay, secure the connection and log in. Pure: a generator that gives what to send and is sent replies.

A password never travels in the clear but to this machine itself, and what a relay said before TLS is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass

from handbill.delivery.engine import phrases
from handbill.delivery.engine.judge import judge, without_addresses
from handbill.delivery.engine.login import LoginError, best_login
from handbill.delivery.engine.outcome import RelayTrouble
from handbill.delivery.engine.protocol import Offers
from handbill.delivery.engine.replies import Reply
from handbill.kit.mail_settings import Relay

SECURE = b"\0secure"
"""Given instead of a line: put TLS over the connection, then send any reply."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NUMBER = re.compile(r"[0-9]{1,20}")  # RFC 1870 4
_KEYWORD = re.compile(r"[A-Z0-9][A-Z0-9-]*")

Greeting = Generator[bytes, Reply, Offers]


@dataclass(frozen=True, slots=True)
class Terms:
    """How to greet a relay: ``hello`` is our own name, for which see RFC 5321 4.1.3."""

    relay: Relay
    hello: str = "localhost"
    password: str = ""


def refuse_open_password(relay: Relay) -> None:
    """Raises RelayTrouble for a relay whose password would travel in the clear."""
    if relay.user and relay.security == "smtp" and relay.host not in _LOOPBACK:
        raise RelayTrouble(
            f"Relay {relay.name} has a user but no encryption. Write smtp+starttls:// or smtps:// in its address."
        )


def greet(terms: Terms, nonce: str) -> Greeting:
    """From the relay's first word to the moment when it takes mail. An empty line given means: only wait.

    ``nonce`` is printable, without commas, and new for each connection.

    After SECURE the generator is sent any reply, once TLS stands. Raises RelayTrouble with a sentence that says why.
    """
    relay = terms.relay
    _welcome("connect", relay, (yield b""), 220)
    offers = yield from _hello(terms)
    if relay.security == "smtp+starttls":
        if not offers.starttls:
            raise _lacking(relay)
        _welcome("tls", relay, (yield b"STARTTLS\r\n"), 220)
        yield SECURE
        offers = yield from _hello(terms)
    if relay.user:
        yield from _log_in(terms, nonce, offers)
    return offers


def where(relay: Relay) -> str:
    """A relay as sentences name it."""
    return f"Relay {relay.name} ({relay.host}:{relay.port})"


def _hello(terms: Terms) -> Greeting:
    reply = yield f"EHLO {terms.hello}\r\n".encode()
    if reply.code in (500, 501, 502, 504):
        _welcome("hello", terms.relay, (yield f"HELO {terms.hello}\r\n".encode()), 250)
        return Offers()
    _welcome("hello", terms.relay, reply, 250)
    return read_offers(reply.lines)


def read_offers(lines: tuple[str, ...]) -> Offers:
    """What the lines of a reply to EHLO offer; the first one is a greeting."""
    words = [line.upper().replace("AUTH=", "AUTH ").split() for line in lines[1:]]
    known = {found[0]: found[1:] for found in words if found and _KEYWORD.fullmatch(found[0]) and found[0] != "AUTH"}
    logins = frozenset(name for found in words if found and found[0] == "AUTH" for name in found[1:])
    return Offers(
        pipelining="PIPELINING" in known,
        chunking="CHUNKING" in known,
        smtputf8="SMTPUTF8" in known,
        dsn="DSN" in known,
        starttls="STARTTLS" in known,
        logins=logins,
        size=_size(known.get("SIZE", [])),
    )


def _size(words: list[str]) -> int:
    """0 says that there is no limit (RFC 1870 4)."""
    return int(words[0]) if words and _NUMBER.fullmatch(words[0]) else 0


def _log_in(terms: Terms, nonce: str, offers: Offers) -> Generator[bytes, Reply, None]:
    exchange = best_login(offers.logins, terms.password)
    if exchange is None:
        raise _lacking(terms.relay)
    try:
        reply = yield from exchange(terms.relay.user, terms.password, nonce)
    except LoginError as error:
        raise RelayTrouble(f"{where(terms.relay)} can't be logged in to. {error}", phrases.AUTHENTICATION) from None
    if reply.code in (534, 535, 538):
        raise RelayTrouble(
            f"{where(terms.relay)} refused the login."
            f" Check its user, and the password in keys/relay-{terms.relay.name}.",
            judge("login", reply.code, reply.text).reason,
        )
    _welcome("login", terms.relay, reply, 235)


def _welcome(stage: str, relay: Relay, reply: Reply, code: int) -> None:
    if reply.code != code:
        text = without_addresses(reply.text)[:200]
        reason = judge(stage, reply.code, reply.text).reason
        if reason == phrases.AUTHENTICATION and reply.code < 500:
            reason = phrases.SYSTEM  # it can't look us up now (RFC 4954 4: 454), which is no word on the password
        raise RelayTrouble(f"{where(relay)} turned us away: {reply.code} {text}", reason)


def _lacking(relay: Relay) -> RelayTrouble:
    return RelayTrouble(f"{where(relay)} offers no encryption or no login of a kind we know. Change its address.")
