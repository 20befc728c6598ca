"""Whatever a relay answers, and in whatever pieces, each copy has one outcome, and it is true."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handbill.delivery.engine.outcome import Copy
from handbill.delivery.engine.protocol import Conversation, Mode, Offers
from handbill.delivery.engine.replies import GARBLED, LONGEST_LINE, Replies

FROM = "news@paper.example"
ALL = Offers(pipelining=True, chunking=True, smtputf8=True)
DROP, KEEP_AND_DROP = "drop", "keep and drop"
ANSWERS = st.sampled_from(
    [None] * 8 + [250, 354, 421, 450, 451, 454, 500, 502, 503, 550, 552, 554, DROP, KEEP_AND_DROP, "nonsense"]
)


def copy(number: int, to: str = "") -> Copy:
    body = (b"Subject: x\r\n", b"\r\nfor %d\r\n" % number, b"MAIL FROM:<x>\r\nRSET\r\n")
    return Copy(number, FROM, to or f"reader{number}@mail.example", body, sum(map(len, body)))


@dataclass
class ModelRelay:
    """Takes bytes, gives bytes, and knows what it took. ``script`` answers the first commands, then all is well."""

    script: list[object]
    taken: list[tuple[tuple[str, ...], bytes]] = field(default_factory=list)
    gone: bool = False
    _in: bytes = b""
    _body: int | None = None  # bytes of a BDAT still to come; -1: until a dot
    _mail: bool = False
    _to: list[str] = field(default_factory=list)
    _chunk: bytes = b""

    def feed(self, data: bytes) -> bytes:
        self._in += data
        said = b""
        while not self.gone and (answer := self._step()) is not None:
            said += answer
        return said

    def _step(self) -> bytes | None:
        if self._body == -1:
            return self._dot()
        if self._body is not None:
            return self._last()
        line, newline, rest = self._in.partition(b"\r\n")
        if not newline:
            return None
        self._in = rest
        return self._command(line)

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        act = self.script.pop(0) if self.script else None
        if verb == b"BDAT":
            self._body = int(line.split()[1])
            self.script.insert(0, act)
            return b""
        good, right = {
            b"RSET": (250, True),
            b"MAIL": (250, not self._mail),
            b"RCPT": (250, self._mail),
            b"DATA": (354, bool(self._to)),
        }.get(verb, (500, True))
        if act is not None and act != good:
            return self._act(act)
        if not right and act is None:
            return b"503 5.5.1 out of order\r\n"
        if verb in (b"RSET", b"MAIL"):
            self._mail, self._to = verb == b"MAIL", []
        elif verb == b"RCPT" and right:
            self._to.append(line[9:-1].decode())
        elif verb == b"DATA":
            self._body = -1
        return b"%d ok\r\n" % good

    def _dot(self) -> bytes | None:
        data = b"\r\n" + self._in
        body, dot, rest = data.partition(b"\r\n.\r\n")
        if not dot:
            return None
        self._in, self._body = rest, None
        return self._end((body + b"\r\n")[2:])

    def _last(self) -> bytes | None:
        assert self._body is not None
        if len(self._in) < self._body:
            return None
        body, self._in = self._in[: self._body], self._in[self._body :]
        self._body = None
        return self._end(body)

    def _end(self, body: bytes) -> bytes:
        act = self.script.pop(0) if self.script else None
        to, self._to, self._mail = tuple(self._to), [], False
        if not to and act is None:
            return b"503 5.5.1 nobody to send it to\r\n"
        if to and (act in (None, 250, KEEP_AND_DROP)):
            self.taken.append((to, body))
        if act == 250 and not to:
            act = 503
        return b"250 2.0.0 taken\r\n" if act is None else self._act(act)

    def _act(self, act: object) -> bytes:
        self.gone = act in (DROP, KEEP_AND_DROP, 421)
        if act == "nonsense":
            return b"what?\r\n"
        return b"%d said\r\n" % act if isinstance(act, int) else b""


def run(mode: Mode, relay: ModelRelay, count: int, sizes: list[int], window: int = 3) -> tuple[Conversation, list]:
    """Talk ``count`` copies through; ``sizes`` are the pieces in which bytes go either way."""
    talk, told, left = Conversation(mode, ALL, window), [], [copy(n) for n in range(count)]
    pieces = iter(sizes * 10_000)
    answers = b""
    while not talk.dropped:
        begun, left = left[: talk.room], left[talk.room :]
        told += talk.take(begun)
        if talk.out and not relay.gone:
            piece = b"".join(talk.out)[: next(pieces)]
            answers += relay.feed(piece)
            talk.written(len(piece))
        heard, answers = answers[: (size := next(pieces))], answers[size:]
        if heard:
            told += talk.received(heard)
        elif not answers and (relay.gone or not talk.out):
            break
    told += talk.lost()
    return talk, told + [(one.key, None) for one in talk.back + left]


SIZES = st.lists(st.sampled_from([1, 2, 7, 40, 90, 500, 100_000]), min_size=1, max_size=5)


@settings(deadline=None, max_examples=400)
@given(mode=st.sampled_from(Mode), script=st.lists(ANSWERS, max_size=24), count=st.integers(1, 8), sizes=SIZES)
@example(mode=Mode.CHUNKED, script=[None, None, 550], count=5, sizes=[100_000])
@example(mode=Mode.PIPELINED, script=[None, 550, 354], count=3, sizes=[100_000])
def test_each_copy_has_one_outcome_and_it_is_true(mode, script, count, sizes):
    relay = ModelRelay(list(script))
    _, told = run(mode, relay, count, sizes)
    assert Counter(key for key, _ in told) == Counter(range(count))
    taken = Counter(to for to, _ in relay.taken)
    for key, outcome in told:
        times = taken[(copy(key).to,)]
        if outcome is not None and outcome.state == "accepted":
            assert times == 1
        elif outcome is None or outcome.state != "in doubt":
            assert times == 0
        else:
            assert times <= 1


@settings(deadline=None, max_examples=200)
@given(mode=st.sampled_from(Mode), script=st.lists(ANSWERS, max_size=24), count=st.integers(1, 8), sizes=SIZES)
def test_nobody_gets_another_readers_copy(mode, script, count, sizes):
    relay = ModelRelay(list(script))
    run(mode, relay, count, sizes)
    bodies = {(copy(n).to,): b"".join(copy(n).body) for n in range(count)}
    assert all(bodies[to] == body for to, body in relay.taken)


@settings(deadline=None, max_examples=100)
@given(mode=st.sampled_from(Mode), sizes=SIZES, window=st.integers(1, 30))
def test_a_willing_relay_takes_all_in_order(mode, sizes, window):
    relay = ModelRelay([])
    talk, told = run(mode, relay, 25, sizes, window)
    assert [key for key, outcome in told] == list(range(25)) and {outcome.state for _, outcome in told} == {"accepted"}
    assert [to[0] for to, _ in relay.taken] == [copy(n).to for n in range(25)]
    assert (talk.accepted, talk.back, talk.dropped) == (25, [], True)


def said(mode: Mode, replies: list[bytes], count: int = 2) -> tuple[list[str], list]:
    """What is written before the first reply, and after each; and the outcomes."""
    talk, told, written = Conversation(mode, ALL, window=count), [], []
    left = [copy(n) for n in range(count)]
    for reply in [b"", *replies]:
        told += talk.received(reply) if reply else []
        while talk.room and left:
            talk.take([left.pop(0)])
        written.append(b"".join(talk.out).decode())
        talk.written(len(written[-1]))
    return written, told


def envelope(number: int) -> str:
    return f"MAIL FROM:<{FROM}>\r\nRCPT TO:<{copy(number).to}>\r\n"


def body(number: int) -> str:
    return b"".join(copy(number).body).decode()


def test_plain_waits_for_each_reply():
    written, _ = said(Mode.PLAIN, [b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 ok\r\n"])
    mail, rcpt, _ = envelope(0).split("\r\n")
    assert written == [f"{mail}\r\n", f"{rcpt}\r\n", "DATA\r\n", f"{body(0)}.\r\n", f"{mail}\r\n"]


def test_grouped_writes_an_envelope_at_once():
    written, _ = said(Mode.GROUPED, [b"250 ok\r\n250 ok\r\n354 go\r\n", b"250 ok\r\n"])
    assert written == [f"{envelope(0)}DATA\r\n", f"{body(0)}.\r\n", f"{envelope(1)}DATA\r\n"]


def test_pipelined_writes_the_next_envelope_with_the_message():
    written, _ = said(Mode.PIPELINED, [b"250 ok\r\n250 ok\r\n354 go\r\n"])
    assert written == [f"{envelope(0)}DATA\r\n", f"{body(0)}.\r\n{envelope(1)}DATA\r\n"]


def test_chunked_writes_whole_copies():
    written, _ = said(Mode.CHUNKED, [])
    copies = [f"RSET\r\n{envelope(n)}BDAT {copy(n).size} LAST\r\n{body(n)}" for n in (0, 1)]
    assert written == ["".join(copies)]


def test_a_refused_reader_leaves_no_open_transaction_behind():
    written, told = said(Mode.PIPELINED, [b"250 ok\r\n550 5.1.1 who\r\n503 nobody\r\n"])
    assert written[1] == f"RSET\r\n{envelope(1)}DATA\r\n"
    assert [(key, outcome.state, outcome.reason) for key, outcome in told] == [(0, "refused", "gone")]


def test_a_relay_that_wants_a_message_for_nobody_gets_a_dot():
    written, told = said(Mode.GROUPED, [b"250 ok\r\n550 5.1.1 who\r\n354 go\r\n", b"554 nobody\r\n"])
    assert written[1] == ".\r\n" and [(key, outcome.code) for key, outcome in told] == [(0, 550)]


@pytest.mark.parametrize(
    ("mode", "replies"),
    [
        (Mode.PIPELINED, b"250 ok\r\n250 ok\r\n354 go\r\n"),
        (Mode.CHUNKED, b"250 ok\r\n250 ok\r\n250 ok\r\n"),
    ],
)
def test_a_relay_that_cant_follow_gives_the_copy_back(mode, replies):
    talk = Conversation(mode, ALL)
    talk.take([copy(0)])
    talk.received(replies)
    assert talk.received(b"503 5.5.1 one after the other\r\n") == [] and talk.outrun and not talk.room
    assert talk.lost() == [] and [one.key for one in talk.back] == [0]


def test_a_closing_relay_after_some_copies_costs_nobody_a_try():
    talk = Conversation(Mode.GROUPED, ALL)
    talk.take([copy(0)])
    talk.received(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert [outcome.state for _, outcome in talk.received(b"250 ok\r\n")] == ["accepted"]
    talk.take([copy(1)])
    assert talk.received(b"421 4.7.0 enough\r\n") == [] and talk.dropped and talk.told_to_go
    assert talk.lost() == [] and [one.key for one in talk.back] == [1]


def test_what_had_wholly_gone_out_is_in_doubt_and_the_rest_is_not():
    talk = Conversation(Mode.CHUNKED, ALL, window=3)
    talk.take([copy(n) for n in range(3)])
    whole = len(b"".join(talk.out))
    talk.written(whole - copy(2).size)
    assert [(key, outcome.state) for key, outcome in talk.lost()] == [(0, "in doubt"), (1, "in doubt")]
    assert [one.key for one in talk.back] == [2]


@pytest.mark.parametrize(
    ("to", "state", "reason"),
    [
        ("a b@mail.example", "refused", "address"),
        ("a@mail.example>\r\nRSET", "refused", "address"),
        ("jörg@mail.example", "deferred", "smtputf8"),
    ],
)
def test_an_address_that_cant_be_said_is_never_said(to, state, reason):
    talk = Conversation(Mode.CHUNKED, Offers(pipelining=True, chunking=True))
    ((_, outcome),) = talk.take([copy(0, to)])
    assert (outcome.state, outcome.reason, talk.out) == (state, reason, [])


@pytest.mark.parametrize("mode", list(Mode))
def test_a_letter_larger_than_the_relay_takes_is_never_begun(mode):
    talk = Conversation(mode, Offers(pipelining=True, chunking=True, size=copy(0).size))
    assert talk.take([copy(0)]) == []
    begun = list(talk.out)
    ((_, outcome),) = talk.take([copy(1)._replace(size=copy(0).size + 1)])
    assert (outcome.state, outcome.reason, talk.out) == ("refused", "size", begun)


@pytest.mark.parametrize(
    ("ending", "states", "back"),
    [
        (lambda talk: talk.lost(hung_up=True), [], [1, 2]),
        (lambda talk: talk.lost(), ["in doubt", "in doubt"], []),  # late: it may yet go on
        (lambda talk: talk.received(b"250 ok\r\n") + talk.lost(hung_up=True), ["in doubt", "in doubt"], []),
    ],
)
def test_a_relay_that_wont_forget_took_nothing_more_if_it_hung_up(ending, states, back):
    talk = Conversation(Mode.CHUNKED, ALL, window=3)
    talk.take([copy(n) for n in range(3)])
    talk.written(len(b"".join(talk.out)))
    replies = b"250 ok\r\n250 ok\r\n250 ok\r\n250 taken\r\n554 Too many nonmail commands\r\n"
    assert [key for key, _ in talk.received(replies)] == [0] and not talk.room
    assert [outcome.state for _, outcome in ending(talk)] == states and [one.key for one in talk.back] == back


def test_what_is_offered_is_asked_for():
    talk = Conversation(Mode.GROUPED, Offers(pipelining=True, smtputf8=True, dsn=True))
    talk.take([copy(0, "jörg@mail.example")._replace(envelope_id="QQ314159")])
    assert b"".join(talk.out).decode() == (
        f"MAIL FROM:<{FROM}> SMTPUTF8 RET=HDRS ENVID=QQ314159\r\nRCPT TO:<jörg@mail.example> NOTIFY=FAILURE\r\nDATA\r\n"
    )


@pytest.mark.parametrize("reply", ["250 2.0.0 bob@mail.example taken", "250 Bob, taken", "250 " + "x" * 900])
def test_an_accepting_reply_is_kept_without_the_address(reply):
    talk = Conversation(Mode.CHUNKED, ALL)
    talk.take([copy(0, "bob@mail.example")])
    ((_, outcome),) = talk.received(f"250 ok\r\n250 ok\r\n250 ok\r\n{reply}\r\n".encode())
    assert outcome.state == "accepted" and "bob" not in outcome.reply.lower() and len(outcome.reply) <= 500


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_replies_are_the_same_in_any_pieces(pieces):
    whole, pieced = Replies(), Replies()
    assert whole.feed(b"".join(pieces)) == [reply for piece in pieces for reply in pieced.feed(piece)]


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"250-a\r\n251 b\r\n",
        b"199 a\r\n",
        b"600 a\r\n",
        b"250 " + b"a" * LONGEST_LINE,
        b"250-a\r\n" * 200,
    ],
)
def test_what_is_no_reply_ends_the_reading(data):
    replies = Replies()
    assert replies.feed(data) == [GARBLED] and replies.feed(b"250 ok\r\n") == []


def test_a_reply_of_many_lines_is_one():
    ((code, lines),) = Replies().feed(b"250-relay\r\n250-PIPELINING\r\n250 DSN\r\n")
    assert (code, lines) == (250, ("relay", "PIPELINING", "DSN"))
