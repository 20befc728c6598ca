"""Talk a relay through copies: bytes in, bytes out, and one honest outcome for each copy (RFC 5321, 2920, 3030). Pure.

A conversation begins once the relay is greeted. How far it runs ahead of the replies is its mode:

| mode | written without waiting |
| --- | --- |
| plain | one command |
| grouped | MAIL, RCPT, DATA; then the message |
| pipelined | the message and the next copy's MAIL, RCPT, DATA |
| chunked | whole copies by BDAT, as many as the window holds |

Replies come in order, so only the oldest copy in flight has a state: the stage it awaits. What each reply leads to is a
table. When the connection is lost, a copy whose last byte had gone out is in doubt, and no other one can have been
taken: the one at hand is deferred, those behind it are given back.

Every chunked copy begins with RSET: after a BDAT that failed the relay may still hold its recipient (RFC 3030 4.2), who
would get the next reader's copy, too. A copy larger than the relay takes is never begun: Exim 4.96 refuses it, and then
accepts the chunked copies behind it and can't deliver them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from handbill.delivery.engine.judge import ACCEPTED, DEFERRED, IN_DOUBT, REFUSED, RELAY, judge, without_addresses
from handbill.delivery.engine.outcome import Copy, Outcome
from handbill.delivery.engine.phrases import SIZE
from handbill.delivery.engine.replies import Replies, Reply

RSET, MAIL, RCPT, DATA, DOT = range(5)
STAGES = ("mail", "mail", "rcpt", "data", "dot")  # as ``judge`` names them; a refused RSET is about us, as MAIL is

Told = tuple[Any, Outcome]  # a copy's key and what became of it


class Mode(IntEnum):
    """How far a conversation runs ahead of the replies."""

    PLAIN = 0
    GROUPED = 1
    PIPELINED = 2
    CHUNKED = 3


@dataclass(frozen=True, slots=True)
class Offers:
    """What a relay said it can do, in answer to EHLO."""

    pipelining: bool = False
    chunking: bool = False
    smtputf8: bool = False
    dsn: bool = False
    starttls: bool = False
    logins: frozenset[str] = frozenset()
    size: int = 0  # bytes of the largest message it takes (RFC 1870); 0: it didn't say

    @property
    def best(self) -> Mode:
        """The fastest mode that the offers allow."""
        if not self.pipelining:
            return Mode.PLAIN
        return Mode.CHUNKED if self.chunking else Mode.PIPELINED


_NEXT, _ASK, _BODY, _FINISH, _ABORT, _DROP = "next", "ask", "body", "finish", "abort", "drop"
_AHEAD = {
    (RSET, True): _NEXT,
    (RSET, False): _DROP,
    (MAIL, True): _NEXT,
    (MAIL, False): _NEXT,
    (RCPT, True): _NEXT,
    (RCPT, False): _NEXT,
    (DATA, True): _BODY,
    (DATA, False): _ABORT,
    (DOT, True): _FINISH,
    (DOT, False): _FINISH,
}
_PLAIN = {
    **_AHEAD,
    (RSET, True): _ASK,
    (MAIL, True): _ASK,
    (MAIL, False): _ABORT,
    (RCPT, True): _ASK,
    (RCPT, False): _ABORT,
}
_AFTER_REPLY = {Mode.PLAIN: _PLAIN, Mode.GROUPED: _AHEAD, Mode.PIPELINED: _AHEAD, Mode.CHUNKED: _AHEAD}
_SEQUENCE = {RSET: MAIL, MAIL: RCPT, RCPT: DATA, DATA: DOT}

_FURTHEST = {Mode.PLAIN: 1, Mode.GROUPED: 1, Mode.PIPELINED: 2}  # copies in flight
_TURN = re.compile(rb"(250 [^\r\n]*)\r\n250 [^\r\n]*\r\n250 [^\r\n]*\r\n354 [^\r\n]*\r\n")
_CHUNKS = (RSET, MAIL, RCPT, DOT)  # the replies to one chunked copy
_CHUNKED = Mode.CHUNKED  # looking a member up by its class costs a copy a fiftieth
_CLOSING = 421

_NOT_KNOWN = frozenset({500, 502, 504})
_OUT_OF_ORDER = 503
_RAN_AHEAD = re.compile(r"pipelin|synchroni[sz]ation", re.IGNORECASE)
_SAYABLE = re.compile(r"[!-;=?-~]+ [!-;=?-~]+")  # the usual addresses, which any relay takes
_PATH = re.compile(r"[^\s<>\x00-\x20\x7f-\x9f]+")
_ENVELOPE_ID = re.compile(r"[!-*,-<>-~]{1,100}")  # xtext without its escapes (RFC 3461 4)


class Conversation:
    """What is said over one connection. The owner writes ``out`` and tells how much of it went out; see ``pool``.

    ``window`` copies at most are in flight, ``most`` are begun. ``closing``: no further copy will be begun.
    ``dropped``: the connection is of no further use, close it and call ``lost``. ``back``: copies that no relay can
    have. ``outrun``: the relay can't follow in this mode. ``probing``: whether it can isn't known yet.
    """

    def __init__(self, mode: Mode, offers: Offers, window: int = 20, most: int = 1 << 60) -> None:
        self.mode = mode
        self.out: list[bytes | memoryview] = []
        self.back: list[Copy] = []
        self.closing = self.dropped = self.outrun = self.told_to_go = self.probing = False
        self.accepted = self.heard = 0  # copies and replies
        self._offers = offers
        self._largest = offers.size or 1 << 60
        self._ahead = _FURTHEST.get(mode, 1 << 30)
        self.window, self._most = window, most
        self._flight: list[Copy] = []
        self._ends: list[int] = []  # of each copy whose last byte is in ``out``: where in the stream it stands
        self._begun = self._queued = self._written = 0
        self._stage = MAIL
        self._failed: tuple[int, Reply] | None = None
        self._unclean = False  # a transaction was left open
        self._unforgetting = False  # the relay refused RSET
        self._replies = Replies()

    @property
    def room(self) -> int:
        """How many copies ``take`` would have now."""
        if self.closing or self.dropped:
            return 0
        ahead = self.window if self.window < self._ahead else self._ahead
        room = ahead - len(self._flight)
        left = self._most - self._begun
        return max(0, room if room < left else left)

    @property
    def awaited(self) -> str:
        """The stage whose reply is due next; empty when none is."""
        return STAGES[self._stage] if self._flight else ""

    def take(self, copies: Iterable[Copy]) -> list[Told]:
        """Begin with copies, at most ``room``. Those that this relay can't be told of are answered at once."""
        told: list[Told] = []
        for copy in copies:
            usual = copy.size <= self._largest and _SAYABLE.fullmatch(f"{copy[1]} {copy[2]}")
            if not usual and (unfit := self._unfit(copy)):
                told.append((copy.key, unfit))
            elif self.mode is _CHUNKED:
                self._chunk(copy)
            else:
                self._line_up(copy)
        return told

    def written(self, count: int) -> None:
        """So many bytes of ``out`` were handed to the network."""
        self._written += count
        if self._written == self._queued:
            self.out.clear()
            return
        part = 0
        while count >= len(self.out[part]):
            count -= len(self.out[part])
            part += 1
        del self.out[:part]
        if count:
            self.out[0] = memoryview(self.out[0])[count:]

    def received(self, data: bytes) -> list[Told]:
        """What the relay's bytes decide."""
        if not self._failed and len(self._flight) > 1 and not self._replies.waiting:
            told = self._all_good(data) if self.mode is _CHUNKED else self._turn(data)
            if told is not None:
                return told
        told = []
        for reply in self._replies.feed(data):
            if self.dropped:
                break
            self._reply(reply, told)
        return told

    def lost(self, hung_up: bool = False) -> list[Told]:
        """The connection is over, by the relay's doing if it ``hung_up``: what that means for each copy in flight."""
        untaken = hung_up and self._unforgetting and not self.dropped
        self.outrun = self.outrun or (hung_up and self.probing and self.mode is not Mode.PLAIN)
        self.dropped = True
        told: list[Told] = []
        for place, copy in enumerate(self._flight):
            outcome = self._at_loss(place, copy, untaken)
            if outcome is None:
                self.back.append(copy)
            else:
                told.append((copy.key, outcome))
        self._flight, self._ends = [], []
        self.out.clear()
        return told

    def _at_loss(self, place: int, copy: Copy, untaken: bool) -> Outcome | None:
        if place == 0 and self._failed and self._failed[0] != RSET:
            return self._judged(self._failed[0], self._failed[1], copy)
        if not untaken and place < len(self._ends) and self._written >= self._ends[place]:
            sentence = "The connection was lost after the final dot; the relay may have the message."
            return Outcome(IN_DOUBT, reply=sentence, reason="lost", strike=place == 0 and not self.outrun, stage="dot")
        if place > 0 or self.outrun or (self._stage <= MAIL and self.accepted):
            return None
        sentence = "The connection was lost before the message had gone out."
        return Outcome(DEFERRED, reply=sentence, reason="lost", strike=True, stage=STAGES[self._stage])

    def _unfit(self, copy: Copy) -> Outcome | None:
        if not (_PATH.fullmatch(copy.to) and _PATH.fullmatch(copy.sender)):
            return Outcome(REFUSED, reply="This is no address that mail can be sent to or from.", reason="address")
        if copy.size > self._largest:
            return Outcome(REFUSED, reply=f"This relay takes letters of {self._largest} bytes at most.", reason=SIZE)
        wide = not (copy.to.isascii() and copy.sender.isascii())
        if wide and not self._offers.smtputf8:
            return Outcome(DEFERRED, reply="This relay takes no addresses beyond ASCII (RFC 6531).", reason="smtputf8")
        return None

    def _chunk(self, copy: Copy) -> None:
        envelope = f"RSET\r\n{self._envelope(copy)}BDAT {copy.size} LAST\r\n".encode()
        if not self._flight:
            self._stage = RSET
        self._flight.append(copy)
        self._begun += 1
        self.out.append(envelope)
        self.out += copy.body
        self._queued += len(envelope) + copy.size
        self._ends.append(self._queued)

    def _line_up(self, copy: Copy) -> None:
        self._flight.append(copy)
        self._begun += 1
        if len(self._flight) == 1:
            self._begin(copy)
        elif self._stage == DOT and self._ends:
            self._say(self._opening(copy))

    def _begin(self, copy: Copy) -> None:
        """Say the first words of the copy that now is the oldest."""
        self._stage = RSET if self._unclean else MAIL
        reset = "RSET\r\n" if self._unclean else ""
        if self.mode is Mode.PLAIN:
            self._say(reset or self._mail(copy))
        else:
            self._say(reset + self._opening(copy))
        self._unclean = False

    def _opening(self, copy: Copy) -> str:
        return f"{self._envelope(copy)}DATA\r\n"

    def _envelope(self, copy: Copy) -> str:
        _, sender, to, *_ = copy
        if not self._offers.dsn and to.isascii() and sender.isascii():
            return f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\n"
        return f"{self._mail(copy)}{self._rcpt(copy)}"

    def _mail(self, copy: Copy) -> str:
        wide = "" if copy.to.isascii() and copy.sender.isascii() else " SMTPUTF8"
        if not self._offers.dsn:
            return f"MAIL FROM:<{copy.sender}>{wide}\r\n"
        named = f" ENVID={copy.envelope_id}" if _ENVELOPE_ID.fullmatch(copy.envelope_id) else ""
        return f"MAIL FROM:<{copy.sender}>{wide} RET=HDRS{named}\r\n"

    def _rcpt(self, copy: Copy) -> str:
        return f"RCPT TO:<{copy.to}>{' NOTIFY=FAILURE' if self._offers.dsn else ''}\r\n"

    def _say(self, text: str) -> None:
        line = text.encode()
        self.out.append(line)
        self._queued += len(line)

    def _reply(self, reply: Reply, told: list[Told]) -> None:
        self.heard += 1
        if not self._flight or not reply.code or self._unforgetting:
            self.dropped = True
        elif reply.code == _CLOSING:
            self._told_to_go(reply, told)
        elif (reply.code == 354) != (self._stage == DATA) and reply.code < 400:
            self.dropped = True  # out of step: no later reply can be trusted
        else:
            good = reply.code < 400
            if not good and not self._failed:
                self._failed = (self._stage, reply)
                self._lag(reply)
            _STEPS[_AFTER_REPLY[self.mode][self._stage, good]](self, reply, told)

    def _lag(self, reply: Reply) -> None:
        """Whether a first refusal means that the relay can't follow: then it says nothing about the copy."""
        if self.mode is Mode.PLAIN:
            return
        unknown = reply.code in _NOT_KNOWN and (self._stage != DOT or self.mode is Mode.CHUNKED) and self._stage != RCPT
        if unknown or reply.code == _OUT_OF_ORDER or _RAN_AHEAD.search(reply.text):
            self.outrun = self.closing = True
            # What follows a BDAT that isn't known is read as commands.
            self.dropped = unknown and self._stage == DOT

    def _told_to_go(self, reply: Reply, told: list[Told]) -> None:
        """421: whatever the relay had not answered by then, it didn't take (RFC 5321 3.8)."""
        self.dropped = self.told_to_go = True
        first, *rest = self._flight
        self.outrun = self.outrun or (self.mode is not Mode.PLAIN and bool(_RAN_AHEAD.search(reply.text)))
        if self._failed or not (self.outrun or (self._stage <= MAIL and self.accepted)):
            told.append((first.key, self._judged(*(self._failed or (self._stage, reply)), first)))
        else:
            self.back.append(first)
        self.back += rest
        self._flight, self._ends = [], []

    def _next(self, reply: Reply, told: list[Told]) -> None:
        self._stage = DOT if self._stage == RCPT and self.mode is Mode.CHUNKED else _SEQUENCE[self._stage]

    def _ask(self, reply: Reply, told: list[Told]) -> None:
        copy = self._flight[0]
        self._stage = _SEQUENCE[self._stage]
        self._say({MAIL: self._mail(copy), RCPT: self._rcpt(copy), DATA: "DATA\r\n"}[self._stage])

    def _body(self, reply: Reply, told: list[Told]) -> None:
        """The message and its dot; a dot alone where the relay wants a message for nobody (RFC 2920 3.1)."""
        if self._failed and self._failed[0] != RCPT:
            self.dropped = True
            return
        self._send_body()

    def _send_body(self) -> None:
        copy = self._flight[0]
        self._stage = DOT
        if not self._failed:
            self.out += copy.body
            self._queued += copy.size
            self._ends.append(self._queued + len(".\r\n"))
        self._say(f".\r\n{self._opening(self._flight[1])}" if len(self._flight) > 1 else ".\r\n")

    def _abort(self, reply: Reply, told: list[Told]) -> None:
        self._unclean = True
        self._finish(reply, told)

    def _drop(self, reply: Reply, told: list[Told]) -> None:
        """A relay that won't forget the last transaction hangs up, and took nothing more, as Exim does once it was told
        to forget ten. If it goes on instead: whether it takes what was chunked already, nobody knows.
        """
        self.closing = self._unforgetting = True

    def _finish(self, reply: Reply, told: list[Told]) -> None:
        copy = self._flight.pop(0)
        del self._ends[:1]
        if not self._failed:
            self.accepted += 1
            told.append((copy.key, self._judged(DOT, reply, copy)))
        elif self.mode is Mode.CHUNKED and reply.code < 400:
            self.dropped = True  # refused and taken: who knows
            told.append((copy.key, Outcome(IN_DOUBT, reply.code, reason="garbled", strike=True, stage="dot")))
        elif self.outrun:
            self.back.append(copy)
        else:
            told.append((copy.key, self._judged(*self._failed, copy)))
        opened = self._stage == DOT
        self._failed = None
        if self._flight:
            self._go_on(opened)

    def _go_on(self, opened: bool) -> None:
        if self.mode is Mode.CHUNKED:
            self._stage = RSET
        elif opened:
            self._stage = MAIL
        else:
            self._begin(self._flight[0])

    def _turn(self, data: bytes) -> list[Told] | None:
        """The usual case when pipelined: the dot is answered, and the next envelope. None: read one by one."""
        match = _TURN.fullmatch(data) if self._stage == DOT else None
        if match is None:
            return None
        done = self._flight.pop(0)
        self._ends.clear()
        self.accepted += 1
        self.heard += 4
        self._send_body()
        return [(done.key, _accepted(match[1], done.to))]

    def _all_good(self, data: bytes) -> list[Told] | None:
        """The usual case, many copies at a time: replies of 250 alone. None: read them one by one."""
        lines = data.split(b"\r\n")
        count = len(lines) - 1
        if lines[-1] or not data.startswith(b"250 ") or data.count(b"\n") != count:
            return None
        if data.count(b"\r\n250 ") != count - 1:
            return None
        place = _CHUNKS.index(self._stage)
        whole, left = divmod(place + count, len(_CHUNKS))
        if whole + bool(left) > len(self._flight):
            return None
        done = self._flight[:whole]
        del self._flight[:whole], self._ends[:whole]
        self._stage = _CHUNKS[left]
        self.accepted += whole
        self.heard += count
        last = lines[len(_CHUNKS) - 1 - place : count : len(_CHUNKS)]
        return [(copy.key, _accepted(line, copy.to)) for copy, line in zip(done, last, strict=True)]

    def _judged(self, stage: int, reply: Reply, copy: Copy) -> Outcome:
        found = judge(STAGES[stage], reply.code, reply.text)
        strike = found.state == RELAY or reply.code == _CLOSING
        return Outcome(found.state, reply.code, _presentable(reply.text, copy.to), found.reason, strike, STAGES[stage])


_STEPS = {
    _NEXT: Conversation._next,
    _ASK: Conversation._ask,
    _BODY: Conversation._body,
    _FINISH: Conversation._finish,
    _ABORT: Conversation._abort,
    _DROP: Conversation._drop,
}


def _accepted(line: bytes, to: str) -> Outcome:
    return Outcome(ACCEPTED, 250, _presentable(line[4:].decode("utf-8", "replace"), to), "", False, "dot")


def _presentable(text: str, to: str) -> str:
    """``without_addresses``, which costs more than all else said of a copy, only where it changes something."""
    usual = len(text) <= 200 and text.isascii() and text.isprintable()
    bare = usual and "@" not in text and "%40" not in text and "=40" not in text
    if bare and to.rpartition("@")[0].lower() not in text.lower():
        return text
    return without_addresses(text, to)
