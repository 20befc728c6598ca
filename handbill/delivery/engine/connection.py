"""One connection to a relay, from the first packet to QUIT: turns what the socket can do into words of the protocol."""

from __future__ import annotations

import contextlib
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from handbill.delivery.engine.greeting import SECURE, Terms, greet, where
from handbill.delivery.engine.outcome import Copy, RelayTrouble
from handbill.delivery.engine.protocol import Conversation, Mode, Offers, Told
from handbill.delivery.engine.replies import GARBLED, Replies, Reply
from handbill.delivery.engine.wire import Wire

GOODBYE_SECONDS = 2.0
_OVER = (OSError, EOFError, UnicodeError)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait: for the connection, for a reply, for the reply to the last dot, and idle before QUIT.

    Many relays read the whole message before they answer the dot (RFC 5321 4.5.3.2.6), and what is taken for lost is
    sent again.
    """

    connect: float = 10.0
    reply: float = 30.0
    final: float = 120.0
    idle: float = 5.0


class Phase(Enum):
    """Where a connection stands."""

    CONNECTING = 1
    GREETING = 2
    TALKING = 3
    LEAVING = 4
    OVER = 5


class Connection:
    """``conversation`` stands once the relay is greeted. ``trouble`` says why it never was.

    ``deadline`` is when its owner must call ``late``; it moves with each reply, never with single bytes: a relay that
    trickles gains nothing.
    """

    def __init__(
        self, terms: Terms, wire: Wire, context: ssl.SSLContext | None, patience: Patience, now: float
    ) -> None:
        self.phase = Phase.CONNECTING
        self.conversation: Conversation | None = None
        self.offers: Offers | None = None
        self.trouble: RelayTrouble | None = None
        self.wire = wire
        self.number = wire.fileno()
        self.deadline = now + patience.connect
        self._terms, self._context, self._patience = terms, context, patience
        self._greeting = greet(terms, secrets.token_urlsafe(24))
        self._replies = Replies()
        self._saying = b""
        self._securing = False
        self._heard = 0
        self.watched = 0  # the owner's own: which events it waits for

    @property
    def wants_to_write(self) -> bool:
        """Whether it has something to say that the socket didn't take yet."""
        talk = self.conversation
        if talk is not None and talk.out:
            return True
        return bool(self._saying) or self.wire.blocked or self.phase is Phase.CONNECTING

    @property
    def busy(self) -> bool:
        """Whether the relay owes an answer to a copy."""
        return self.conversation is not None and bool(self.conversation.awaited)

    def writable(self, now: float) -> list[Told]:
        """The socket takes bytes: go on. What that decides about copies: something only when the connection is over."""
        try:
            if self.phase is Phase.CONNECTING:
                self._connected(now)
        except _OVER as error:
            return self._end(error)
        return self.flush()

    def readable(self, now: float) -> list[Told]:
        """The socket has bytes: what they decide about copies; ``flush`` sends what they lead to."""
        try:
            data = self.wire.receive()
            if self._securing and self.wire.secured:
                self._secured(now)
            if data is None:
                return []
            if self.phase is Phase.TALKING and self.conversation:
                return self._talk(self.conversation, data, now)
            if self.phase is Phase.GREETING:
                self._greet(data, now)
        except _OVER as error:
            return self._end(error)
        return []

    def flush(self) -> list[Told]:
        """Write what there is to say. What that decides about copies: something only when the connection is over."""
        try:
            self._flush()
        except _OVER as error:
            return self._last_words() + self._end(error)
        return []

    def _last_words(self) -> list[Told]:
        """What a relay said before it cut us off in mid-word: it is here still, and decides about copies."""
        told: list[Told] = []
        talk = self.conversation
        with contextlib.suppress(*_OVER):
            while talk and self.phase is Phase.TALKING and not talk.dropped and (data := self.wire.receive()):
                told += talk.received(data)
        return told

    def _flush(self) -> None:
        talk = self.conversation
        if self._saying:
            self._saying = self._saying[self.wire.send([self._saying]) :]
        elif talk is not None:
            while talk.out and (count := self.wire.send(talk.out)):
                talk.written(count)
        if self.wire.blocked:
            self.wire.send([b""])

    def take(self, copies: Sequence[Copy], now: float) -> list[Told]:
        """Begin with copies, as many as there is room for; ``flush`` sends them."""
        talk = self.conversation
        assert talk is not None
        if not talk.awaited:
            self.deadline = now + self._patience.reply
        return talk.take(copies)

    def late(self) -> list[Told]:
        """The time limit is over."""
        return self._end(TimeoutError())

    def leave(self, now: float) -> None:
        """Say goodbye: nothing is in flight."""
        self.phase = Phase.LEAVING
        self.deadline = now + GOODBYE_SECONDS
        self._saying = b"QUIT\r\n"
        self.writable(now)

    def idle(self, now: float) -> None:
        """Nothing to send for now."""
        self.deadline = now + self._patience.idle

    def _connected(self, now: float) -> None:
        self.wire.connected()
        self.phase = Phase.GREETING
        self.deadline = now + self._patience.reply
        self.wire.quick()
        if self._terms.relay.security == "smtps":
            self._secure()
        else:
            next(self._greeting)

    def _secure(self) -> None:
        self._securing = True
        self.wire.secure(self._context or ssl.create_default_context(), self._terms.relay.host)

    def _secured(self, now: float) -> None:
        self._securing = False
        if self._terms.relay.security == "smtps":
            next(self._greeting)
        else:
            self._answer(GARBLED, now)
        self._flush()

    def _greet(self, data: bytes, now: float) -> None:
        replies = self._replies.feed(data)
        if not replies:
            return
        if len(replies) > 1 or self._replies.waiting or self._securing:
            # What it says before TLS could be anybody's.
            self.trouble = RelayTrouble(f"{where(self._terms.relay)} says more than it was asked. Is it a mail server?")
            raise EOFError
        self.deadline = now + self._patience.reply
        self._answer(replies[0], now)
        self._flush()

    def _answer(self, reply: Reply, now: float) -> None:
        try:
            line = self._greeting.send(reply)
        except StopIteration as stop:
            self.offers = stop.value
            self.phase = Phase.TALKING
            self.idle(now)
        except RelayTrouble as trouble:
            self.trouble = trouble
            self._close()
        else:
            if line == SECURE:
                self._secure()
            else:
                self._saying += line

    def converse(self, mode: Mode, window: int, most: int) -> Conversation:
        """Begin to talk, as the owner decides from ``offers``."""
        assert self.offers is not None
        self.conversation = Conversation(mode, self.offers, window, most)
        return self.conversation

    def _talk(self, talk: Conversation, data: bytes, now: float) -> list[Told]:
        told = talk.received(data)
        if talk.dropped:
            return told + self._end(None)
        if talk.heard != self._heard:
            self._heard = talk.heard
            self.deadline = now + (self._patience.final if talk.awaited == "dot" else self._patience.reply)
        if talk.awaited and not talk.out:
            self.wire.quick()  # the rest of the replies is on its way
        return told

    def _end(self, error: Exception | None) -> list[Told]:
        if self.phase in (Phase.CONNECTING, Phase.GREETING):
            self.trouble = self.trouble or _trouble(self._terms, error)
        hung_up = isinstance(error, EOFError | ConnectionError)
        told = self.conversation.lost(hung_up) if self.conversation and self.phase is Phase.TALKING else []
        self._close()
        return told

    def _close(self) -> None:
        self.phase = Phase.OVER
        self.wire.close()


def _trouble(terms: Terms, error: Exception | None) -> RelayTrouble:
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = "has no certificate we can trust. Mend the certificate or the host name."
    elif isinstance(error, ssl.SSLError):
        sentence = "doesn't speak TLS as we do. Is smtps:// (465) or smtp+starttls:// (587) right for its port?"
    elif isinstance(error, TimeoutError):
        sentence = "doesn't answer. Is it running, and may this machine connect to it?"
    else:
        sentence = "can't be reached. Is it running, and may this machine connect to it?"
    return RelayTrouble(f"{where(terms.relay)} {sentence}")
