"""The engine over TLS and with a login, against aiosmtpd: certificates are verified, passwords are checked."""

import socket
import ssl
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from handbill.delivery.engine.greeting import Terms
from handbill.delivery.engine.loop import send_all
from handbill.delivery.engine.outcome import Copy
from handbill.delivery.engine.pool import Limits, Pool
from handbill.kit.settings import Relay

BODY = b"Subject: Morning\r\n\r\n" + b"a line of seventy bytes or so, again and again until it is long enough\r\n" * 400


class Box:
    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(envelope.content)
        return "250 2.0.0 Taken"


def run(certificate: Path, security: str, password: str = "", *, trusted: bool = True, count: int = 5):
    """Send over TLS to a relay that knows user ada with password pencil."""
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(certificate)
    ours = ssl.create_default_context(cafile=certificate if trusted else None)
    known = lambda server, session, envelope, mechanism, data: AuthResult(  # noqa: E731
        success=(data.login, data.password) == (b"ada", b"pencil"), handled=False
    )
    options = {"authenticator": known, "auth_required": bool(password)}
    if security == "smtps":
        options |= {"ssl_context": theirs, "auth_require_tls": False}
    else:
        options |= {"tls_context": theirs, "require_starttls": True}
    box = Box()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        relay = Relay("safe", "127.0.0.1", port, security, "ada" if password else "")
        numbers = iter(range(count))

        def source(n: int) -> list[Copy] | None:
            number = next(numbers, None)
            return None if number is None else [Copy(number, "a@x.example", f"r{number}@x.example", [BODY], len(BODY))]

        told = []
        pool = Pool(Terms(relay, password=password), source, Limits(), context=ours)
        send_all([pool], lambda pool, more: told.extend(outcome.state for _, outcome in more))
    finally:
        controller.stop()
    return told, box.messages, pool.trouble


@pytest.mark.parametrize("security", ["smtps", "smtp+starttls"])
def test_copies_arrive_whole_over_tls(certificate, security):
    told, messages, trouble = run(certificate, security)
    assert (told, messages, trouble) == (["accepted"] * 5, [BODY] * 5, None)


@pytest.mark.parametrize("security", ["smtps", "smtp+starttls"])
def test_a_certificate_that_nobody_vouches_for_is_trouble(certificate, security):
    told, messages, trouble = run(certificate, security, trusted=False)
    assert (told, messages) == ([], []) and "certificate" in str(trouble)


def test_a_password_is_checked(certificate):
    assert run(certificate, "smtps", "pencil")[0] == ["accepted"] * 5
    told, messages, trouble = run(certificate, "smtps", "crayon")
    assert (told, messages) == ([], []) and "refused the login" in str(trouble)
