"""The engine over TLS and with a login: certificates and passwords are checked; no password is said in the clear."""

import base64
import socket
import socketserver
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from handbill.kit.mail_settings import Relay
from handbill.testing.server import Loopback
from tests.mta import PASSWORD, USER
from tests.mta.send import Sending, readers

BODY = b"Subject: Morning\r\n\r\n" + b"a line of seventy bytes or so, again and again until it is long enough\r\n" * 400
TOKEN = "bearer ya29.token"
SECURE = pytest.mark.parametrize("security", ["smtps", "smtp+starttls"])


class Box:
    """aiosmtpd's part for one server: it knows a user's password, and a token of theirs."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.answers: list[bytes] = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(envelope.content)
        return "250 2.0.0 Taken"

    async def auth_XOAUTH2(self, server, args):
        """As Gmail and Outlook do it: what is wrong is told by a challenge, which wants an empty answer."""
        given = base64.b64decode(args[1])
        if given == f"user={USER}\x01auth=Bearer ya29.token\x01\x01".encode():
            return AuthResult(success=True)
        self.answers.append(await server.challenge_auth('{"status":"400"}'))
        return AuthResult(success=False, handled=False)


def send(certificate: Path, security: str, password: str = "", *, trusted: bool = True, without: tuple[str, ...] = ()):
    """Send over TLS to a relay that knows a user; ``without`` some of its mechanisms of AUTH."""
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(certificate)
    ours = ssl.create_default_context(cafile=certificate if trusted else None)
    known = lambda server, session, envelope, mechanism, data: AuthResult(  # noqa: E731
        success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False
    )
    options: dict[str, Any] = {"authenticator": known, "auth_required": bool(password)}
    if security == "smtps":
        options |= {"ssl_context": theirs, "auth_require_tls": False}
    else:
        options |= {"tls_context": theirs, "require_starttls": True}
    box = Box()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, auth_exclude_mechanism=without, **options)
    controller.start()
    try:
        relay = Relay("safe", "127.0.0.1", port, security, USER if password else "")
        return Sending(relay, readers(5, body=BODY), context=ours, password=password), box
    finally:
        controller.stop()


@SECURE
def test_copies_arrive_whole_over_tls(certificate, security):
    sending, box = send(certificate, security)
    assert (sending.states, box.messages, sending.trouble) == ({"accepted": 5}, [BODY] * 5, "")


@SECURE
def test_a_certificate_that_nobody_vouches_for_is_trouble(certificate, security):
    sending, box = send(certificate, security, trusted=False)
    assert (sending.outcomes, box.messages) == ({}, []) and "certificate" in sending.trouble


@SECURE
@pytest.mark.parametrize(
    ("right", "wrong", "without"),
    [(PASSWORD, "crayon", ("LOGIN",)), (PASSWORD, "crayon", ("PLAIN",)), (TOKEN, "bearer another", ())],
    ids=["plain", "login", "xoauth2"],
)
def test_a_password_or_token_is_checked(certificate, security, right, wrong, without):
    sending, box = send(certificate, security, right, without=without)
    assert sending.states == {"accepted": 5} and box.messages == [BODY] * 5
    sending, box = send(certificate, security, wrong, without=without)
    assert (sending.outcomes, box.messages) == ({}, []) and "refused the login" in sending.trouble
    assert box.answers == ([b""] if wrong.startswith("bearer") else [])


class Talker(Loopback):
    """A relay, or who stands between, that answers as told and keeps all it hears in the clear."""

    def __init__(self, answers: Mapping[bytes, bytes]) -> None:
        self.answers = answers
        self.heard: list[bytes] = []
        super().__init__(_Talk)


class _Talk(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self) -> None:
        owner = self.server.owner
        self.wfile.write(owner.answers.get(b"", b"220 hello\r\n"))
        while line := self.rfile.readline(4096):
            owner.heard.append(line)
            self.wfile.write(owner.answers.get(line.split()[0] if line.split() else b"", b"500 5.5.1 What?\r\n"))


OFFERS = b"250-relay\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING\r\n"
WITH_TLS = b"250-relay\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n"
ATTACKS = {
    "taken out of the offers": ("offers no encryption", {b"EHLO": OFFERS}),
    "refused": ("turned us away", {b"EHLO": WITH_TLS, b"STARTTLS": b"454 4.7.0 Not now\r\n"}),
    "unknown": ("turned us away", {b"EHLO": WITH_TLS, b"STARTTLS": b"502 5.5.1 What?\r\n"}),
    "an old relay's": ("offers no encryption", {b"EHLO": b"502 5.5.1 What?\r\n", b"HELO": b"250 relay\r\n"}),
    "gone on in the clear": (
        "says more",
        {b"EHLO": WITH_TLS, b"STARTTLS": b"220 go\r\n250-relay\r\n250 AUTH PLAIN\r\n"},
    ),
    "half a reply more": ("says more", {b"EHLO": WITH_TLS, b"STARTTLS": b"220 go\r\n250-rel"}),
    "answered unasked": ("says more", {b"EHLO": WITH_TLS + b"220 go\r\n"}),
    "all at once": ("says more", {b"": b"220 hello\r\n" + WITH_TLS + b"220 go\r\n"}),
    "logged in already": ("says more", {b"EHLO": OFFERS, b"": b"220 hello\r\n235 2.7.0 You are in\r\n"}),
    "no handshake": ("doesn't speak TLS", {b"EHLO": WITH_TLS, b"STARTTLS": b"220 go\r\n"}),
}


@pytest.mark.parametrize(("words", "answers"), ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("user", [USER, ""])
def test_no_password_and_no_mail_goes_out_where_tls_was_asked_for_and_doesnt_stand(words, answers, user):
    """Whoever stands between can take STARTTLS out, or add replies of their own before it (CVE-2011-0411)."""
    with Talker(answers) as relay:
        sending = Sending(Relay("main", "127.0.0.1", relay.port, "smtp+starttls", user), readers(3), password=PASSWORD)
    assert (
        not sending.outcomes
        and len(sending.left) == 3
        and f"Relay main (127.0.0.1:{relay.port}) {words}" in sending.trouble
    )
    clear, _, handshake = b"".join(relay.heard).partition(b"STARTTLS\r\n")
    assert set(clear.splitlines()) <= {b"EHLO paper.example", b"HELO paper.example"}
    assert handshake[:2] in (b"", b"\x16\x03")


def test_a_relay_that_doesnt_speak_tls_at_its_port_is_told_nothing():
    with Talker({b"EHLO": OFFERS}) as relay:
        sending = Sending(Relay("main", "127.0.0.1", relay.port, "smtps", USER), readers(3), password=PASSWORD)
    assert not sending.outcomes and len(sending.left) == 3 and "smtp+starttls:// (587)" in sending.trouble
    assert not any(word in b"".join(relay.heard) for word in (b"EHLO", b"AUTH", PASSWORD.encode()))


def test_a_password_goes_in_the_clear_to_this_machine_alone():
    with Talker({b"EHLO": OFFERS, b"AUTH": b"535 5.7.8 no\r\n"}) as relay:
        sending = Sending(Relay("main", "127.0.0.1", relay.port, "smtp", USER), readers(1), password=PASSWORD)
    assert "refused the login" in sending.trouble and relay.heard[-1].startswith(b"AUTH PLAIN ")
