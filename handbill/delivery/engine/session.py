"""One SMTP session with a relay, used for one message after the other (RFC 5321).

The only module of the engine with a socket. A lost connection is told apart by the moment: before the final dot went
out nothing was taken (deferred), after it nobody knows (in doubt). Every wait has a limit. TLS is always verified, and
a password never travels in the clear but to this machine itself.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from dataclasses import dataclass

from handbill.delivery.engine.judge import DEFERRED, IN_DOUBT, RELAY, judge, without_addresses
from handbill.kit.errors import TryLater
from handbill.kit.settings import Relay

CONNECT_SECONDS = 10.0
REPLY_SECONDS = 30.0
FINAL_TIMES = 4  # as long for the reply to the last dot: many relays read the message first (RFC 5321 4.5.3.2.6)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class RelayTrouble(TryLater):
    """The relay can't be reached or won't have us: no copy was tried. The sentence names the relay and no address."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one copy: ``state`` and ``reason`` as in ``judge``, ``reply`` without addresses.

    ``strike``: it speaks against the relay rather than the reader; several in a row mean that the relay is down.
    """

    state: str
    code: int = 0
    reply: str = ""
    reason: str = ""
    strike: bool = False


class Session:
    """An open session; ``alive`` turns False when the connection is lost, and then it is of no further use."""

    def __init__(self, relay: Relay, wire: smtplib.SMTP) -> None:
        self.relay = relay
        self.alive = True
        self._wire = wire

    @classmethod
    def open(
        cls,
        relay: Relay,
        password: str = "",
        timeout: float = REPLY_SECONDS,
        *,
        hello: str = "localhost",
        context: ssl.SSLContext | None = None,
    ) -> Session:
        """Connect, greet, secure and log in. ``timeout`` is in seconds and holds for each reply but the final one.

        Raises RelayTrouble whatever goes wrong; the connection is closed by then.
        """
        _refuse_open_password(relay)
        wire = _connect(relay, timeout, hello, context)
        try:
            _greet(relay, wire, password, context)
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            wire.close()
            raise _trouble(relay, error) from None
        return cls(relay, wire)

    def send(self, envelope_from: str, to: str, data: bytes) -> Outcome:
        """Offer one copy to one recipient. ``data`` ends its lines with CRLF and isn't dot-stuffed. Never raises."""
        try:
            return self._envelope(envelope_from, to) or self._message(to, data)
        except (OSError, smtplib.SMTPException):
            return self._lost(DEFERRED, "The connection was lost before the message had gone out.")

    def close(self) -> None:
        """Say goodbye if anybody listens. Never raises."""
        if self.alive:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._wire.docmd("QUIT")
        self._drop()

    def _envelope(self, envelope_from: str, to: str) -> Outcome | None:
        wide = not (to.isascii() and envelope_from.isascii())
        if wide and not self._wire.has_extn("smtputf8"):
            return Outcome(DEFERRED, reason="smtputf8", reply="This relay takes no addresses beyond ASCII (RFC 6531).")
        self._wire.command_encoding = "utf-8" if wide else "ascii"
        steps = (
            ("mail", f"MAIL FROM:<{envelope_from}>{' SMTPUTF8' if wide else ''}", (250,)),
            ("rcpt", f"RCPT TO:<{to}>", (250, 251)),
            ("data", "DATA", (354,)),
        )
        for stage, command, welcome in steps:
            code, reply = self._wire.docmd(command)
            if code not in welcome:
                return self._refused(stage, code, reply, to)
        return None

    def _message(self, to: str, data: bytes) -> Outcome:
        self._wire.send(_dot_stuffed(data))
        try:
            self._wire.send(b".\r\n")
            code, reply = self._final_reply()
        except (OSError, smtplib.SMTPException):
            return self._lost(IN_DOUBT, "The connection was lost after the final dot; the relay may have the message.")
        return self._judged("dot", code, reply, to)

    def _final_reply(self) -> tuple[int, bytes]:
        sock = self._wire.sock
        usual = sock.gettimeout() if sock else None
        if sock and usual:
            sock.settimeout(usual * FINAL_TIMES)
        code, reply = self._wire.getreply()
        if sock:
            sock.settimeout(usual)
        return code, reply

    def _refused(self, stage: str, code: int, reply: bytes, to: str) -> Outcome:
        outcome = self._judged(stage, code, reply, to)
        if self.alive and self._wire.docmd("RSET")[0] != 250:
            self._drop()
        return outcome

    def _judged(self, stage: str, code: int, reply: bytes, to: str) -> Outcome:
        text = reply.decode("utf-8", "replace")
        found = judge(stage, code, text)
        if code == 421 or not 200 <= code < 600:
            self._drop()
        strike = found.state == RELAY or not self.alive
        return Outcome(found.state, max(code, 0), without_addresses(text, to), found.reason, strike)

    def _lost(self, state: str, sentence: str) -> Outcome:
        self._drop()
        return Outcome(state, reply=sentence, reason="lost", strike=True)

    def _drop(self) -> None:
        self.alive = False
        self._wire.close()


def _dot_stuffed(data: bytes) -> bytes:
    """RFC 5321 4.5.2; ends with CRLF, so that the final dot stands alone."""
    stuffed = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..").removeprefix(b"\r\n")
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def _connect(relay: Relay, timeout: float, hello: str, context: ssl.SSLContext | None) -> smtplib.SMTP:
    try:
        first_wait = min(timeout, CONNECT_SECONDS)
        if relay.security == "smtps":
            secure = context or ssl.create_default_context()
            wire: smtplib.SMTP = smtplib.SMTP_SSL(relay.host, relay.port, hello, timeout=first_wait, context=secure)
        else:
            wire = smtplib.SMTP(relay.host, relay.port, hello, timeout=first_wait)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise _trouble(relay, error) from None
    if wire.sock is not None:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sock.settimeout(timeout)
    return wire


def _greet(relay: Relay, wire: smtplib.SMTP, password: str, context: ssl.SSLContext | None) -> None:
    wire.ehlo_or_helo_if_needed()
    if relay.security == "smtp+starttls":
        wire.starttls(context=context or ssl.create_default_context())
        wire.ehlo()
    if relay.user:
        wire.login(relay.user, password)


def _refuse_open_password(relay: Relay) -> None:
    if relay.user and relay.security == "smtp" and relay.host not in _LOOPBACK:
        raise RelayTrouble(
            f"Relay {relay.name} has a user but no encryption. Write smtp+starttls:// or smtps:// in its address."
        )


def _trouble(relay: Relay, error: Exception) -> RelayTrouble:
    where = f"Relay {relay.name} ({relay.host}:{relay.port})"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return RelayTrouble(f"{where} refused the login. Check its user, and the password in keys/relay-{relay.name}.")
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return RelayTrouble(f"{where} turned us away: {error.smtp_code} {without_addresses(text)[:200]}")
    if isinstance(error, ssl.SSLError):
        return RelayTrouble(f"{where} has no certificate we can trust. Mend the certificate or the host name.")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return RelayTrouble(f"{where} offers no encryption or no login of a kind we know. Change its address.")
    return RelayTrouble(f"{where} can't be reached. Is it running, and may this machine connect to it?")
