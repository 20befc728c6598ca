"""The engine against mail servers of others, on loopback: Postfix and Exim as Debian ships them.

What they take must reach their next hop byte for byte, once; what they refuse must be told as what it is.
"""

import base64
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from handbill.delivery.engine.dkim import SignedStamp, Signer
from handbill.delivery.engine.outcome import Copy
from handbill.delivery.engine.pool import Manners
from handbill.delivery.engine.protocol import Mode
from handbill.delivery.engine.stamp import compile_letter
from handbill.delivery.records import READER_SLOT
from handbill.ops.net import free_port
from tests.mta import LARGEST, PASSWORD, RATE, Mta, has_ipv6
from tests.mta.exim import Exim
from tests.mta.postfix import Postfix
from tests.mta.send import BODY, FROM, Sending, copy_to, readers
from tests.mta.tls import Authority
from tests.services import need

KEY = Ed25519PrivateKey.generate()
MORNING = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
FAST = pytest.mark.parametrize("mode", [Mode.PIPELINED, Mode.CHUNKED], ids=["pipelined", "chunked"])
MODES = pytest.mark.parametrize("mode", list(Mode), ids=[mode.name.lower() for mode in Mode])
AUTHORITY = Authority()


@pytest.fixture(scope="module", params=[Postfix, Exim], ids=["postfix", "exim"])
def mta(request: pytest.FixtureRequest) -> Iterator[Mta]:
    need(request.param.found(), f"{request.param.name}, or root to start it,")
    home = Path(tempfile.mkdtemp(prefix="handbill-mta-"))
    home.chmod(0o755)  # the servers change their user
    running = Mta(request.param(), home, AUTHORITY.issue(home / "relay.pem", ["localhost", "::1"]))
    yield running
    running.close()
    shutil.rmtree(home)


def letter(to: str) -> Copy:
    """As a subscriber gets it: signed, with a subject beyond ASCII, dots, long lines and links of their own."""
    stamp = compile_letter(
        sender="Die Zeitung für alle <news@paper.example>",
        subject="Fünf Berichte " * 8,
        html=f"<p>.</p>\n.\n..<p>{'Wörter ohne Ende ' * 200}</p><a href='https://paper.example/{READER_SLOT}'>x</a>\n\n",
        text=f".\n..\n.hidden\nFrom here on\n{'x' * 2000}\n{READER_SLOT}\n \t\nend",
        one_click=f"https://paper.example/unsubscribe/{READER_SLOT}/",
        headers=[("List-Id", "<digest.paper.example>"), ("Feedback-ID", "1:paper")],
    )
    parts, size = SignedStamp(stamp, [Signer("paper.example", "e1", KEY)]).parts(to, f"{hash(to)}@x", MORNING, ".t=k")
    return Copy(to, FROM, to, parts, size)


def record(name: bytes, timeout: int = 5) -> bytes:
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(KEY.public_key().public_bytes_raw())


def without_trace(data: bytes) -> bytes:
    """Less the Received field that a server must put before what it hands on (RFC 5321 4.4)."""
    assert data.startswith(b"Received: ")
    lines = data.splitlines(keepends=True)
    return b"".join(lines[next(n for n, line in enumerate(lines) if n and line[:1] not in b" \t") :])


def need_host(host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("no IPv6 on this machine")


@MODES
def test_letters_arrive_byte_for_byte_and_signed(mta, mode):
    copies = [letter(f"reader{n}@mail.example") for n in range(15)]
    sending = Sending(mta.relay(), copies, manners=Manners(fastest=mode), connections=2)
    assert sending.states == {"accepted": 15} and sending.manners.fastest is mode and sending.manners.proven
    got = mta.delivered(15)
    assert {one.recipients[0]: without_trace(one.data) for one in got} == {c.to: b"".join(c.body) for c in copies}
    assert {one.sender for one in got} == {FROM} and dkim.verify(got[0].data, dnsfunc=record)


ODD = {
    "unknown1@mail.example": ("refused", "gone", "rcpt"),
    "later1@mail.example": ("deferred", "", "rcpt"),
    "large@mail.example": ("refused", "size", ""),
    "rejected@mail.example": ("refused", "content", "dot"),
    "sender@mail.example": ("relay", "sender", ""),
}


@MODES
def test_each_refusal_is_told_as_what_it_is_and_costs_the_others_nothing(mta, mode):
    large = BODY + (b"x" * 70 + b"\r\n") * (LARGEST // 72)
    odd = [copy_to("unknown1@mail.example"), copy_to("later1@mail.example"), copy_to("large@mail.example", large)]
    odd += [copy_to("rejected@mail.example", b"X-Reject: yes\r\n" + BODY)]
    odd += [copy_to("sender@mail.example", sender="blocked@paper.example")]
    copies = readers(15)
    for place, copy in enumerate(odd):
        copies.insert(3 + 2 * place, copy)
    sending = Sending(mta.relay(), copies, manners=Manners(fastest=mode))
    for to, (state, reason, stage) in ODD.items():
        outcome = sending.outcomes[to]
        assert (outcome.state, outcome.reason) == (state, reason) and outcome.stage in (stage, "mail", "rcpt")
    assert sending.accepted == {copy.to for copy in copies} - set(ODD)
    assert {one.recipients[0] for one in mta.delivered(15)} == sending.accepted and sending.manners.fastest is mode


@FAST
def test_a_letter_of_the_largest_size_gets_through(mta, mode):
    body = BODY + b"x" * 70 + b"\r\n"
    largest = body + (b"x" * 68 + b"\r\n") * ((LARGEST - 1000 - len(body)) // 70)
    Sending(mta.relay(), [*readers(3, body=largest), *readers(3, "small")], manners=Manners(fastest=mode))
    assert sorted(len(without_trace(one.data)) for one in mta.delivered(6)) == [len(BODY)] * 3 + [len(largest)] * 3


@FAST
def test_readers_who_are_gone_by_the_dozen_are_each_told_of(mta, mode):
    """Postfix ends a connection after 20 errors, whoever made them; Exim after ten RSETs that ended no letter."""
    copies = [copy_to(f"{'unknown' * (n % 3 > 0)}{n}@mail.example") for n in range(36)]
    sending = Sending(mta.relay(), copies, manners=Manners(fastest=mode))
    states = {to: outcome.state for to, outcome in sending.outcomes.items()}
    assert states == {copy.to: "refused" if copy.to.startswith("unknown") else "accepted" for copy in copies}
    assert {one.recipients[0] for one in mta.delivered(12)} == sending.accepted and sending.manners.fastest is mode


def test_a_rate_that_is_passed_leaves_the_rest_for_later(mta):
    sending = Sending(mta.relay("rated"), readers(30))
    assert sending.states["accepted"] == RATE and "in a row" in sending.trouble
    assert set(sending.states) <= {"accepted", "relay", "untouched"}
    assert {outcome.reason for outcome in sending.outcomes.values()} == {"", "rate"}
    assert {one.recipients[0] for one in mta.delivered(RATE)} == sending.accepted


def test_no_more_connections_than_are_welcome(mta):
    sending = Sending(mta.relay("crowded"), readers(60), connections=6)
    assert sending.states == {"accepted": 60} and not sending.trouble
    assert len({one.recipients for one in mta.delivered(60)}) == 60


@FAST
def test_a_limit_of_letters_a_connection_is_learnt(mta, mode):
    sending = Sending(mta.relay(), readers(30), manners=Manners(fastest=mode))
    assert sending.states == {"accepted": 30} and sending.manners.messages == mta.kind.letters
    assert len({one.recipients for one in mta.delivered(30)}) == 30 and sending.manners.fastest is mode


@pytest.mark.parametrize(("door", "security"), [("open", "smtp+starttls"), ("wrapped", "smtps")])
@pytest.mark.parametrize("host", ["localhost", "::1"])
@FAST
def test_over_tls_with_a_certificate_that_is_verified(mta, door, security, host, mode):
    need_host(host)
    copies = [letter(f"reader{n}@mail.example") for n in range(6)]
    relay = mta.relay(door, security, host)
    sending = Sending(relay, copies, context=AUTHORITY.trust, manners=Manners(fastest=mode), connections=2)
    assert sending.states == {"accepted": 6} and sending.manners.fastest is mode
    got = {one.recipients[0]: without_trace(one.data) for one in mta.delivered(6)}
    assert got == {copy.to: b"".join(copy.body) for copy in copies}


@pytest.mark.parametrize(("door", "security"), [("open", "smtp+starttls"), ("wrapped", "smtps")])
def test_a_certificate_of_another_authority_or_name_is_refused(mta, door, security):
    stranger = Sending(mta.relay(door, security, "localhost"), readers(2), context=Authority().trust)
    misnamed = Sending(mta.relay(door, security, "127.0.0.1"), readers(2), context=AUTHORITY.trust)
    for sending in (stranger, misnamed):
        assert "certificate" in sending.trouble and not sending.outcomes and len(sending.left) == 2


@pytest.mark.parametrize("door", ["plain", "login", "scram"])
def test_a_password_opens_and_a_wrong_one_does_not(mta, door):
    if door not in mta.doors:
        return  # it has no such login
    relay = mta.relay(door, "smtp+starttls", "localhost")
    right = Sending(relay, readers(2), context=AUTHORITY.trust, password=PASSWORD)
    assert right.states == {"accepted": 2} and mta.delivered(2)
    wrong = Sending(relay, readers(2), context=AUTHORITY.trust, password="crayon")
    assert "refused the login" in wrong.trouble and not wrong.outcomes


def test_addresses_beyond_ascii_are_taken(mta):
    sending = Sending(mta.relay(), [letter("zoë@münchen.example"), letter("bob@mail.example")])
    assert sending.states == {"accepted": 2}
    got = {one.recipients[0]: one for one in mta.delivered(2)}
    wide = got["zoë@münchen.example"]
    assert "SMTPUTF8" in wide.asked and "To: zoë@münchen.example\r\n".encode() in wide.data
    assert "SMTPUTF8" not in got["bob@mail.example"].asked


def test_what_is_asked_of_notifications_is_passed_on(mta):
    Sending(mta.relay(), [copy_to("bob@mail.example")._replace(envelope_id="QQ314159")])
    (one,) = mta.delivered(1)
    assert {"RET=HDRS", "ENVID=QQ314159", "NOTIFY=FAILURE"} <= set(one.asked.split())


@pytest.mark.parametrize("lame", ["127.0.0.1", "::1"])
def test_a_name_of_two_addresses_of_which_one_is_dead(mta, lame, monkeypatch):
    port = mta.doors["open"]
    alive = "::1" if lame == "127.0.0.1" else "127.0.0.1"
    need_host("::1")
    addresses = [(lame, free_port(0)), (alive, port)]
    found = [socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0] for host, number in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    assert Sending(mta.relay(host="relay.example"), readers(3), connections=2).states == {"accepted": 3}
    mta.delivered(3)
