"""The doorbell, passwords, and verified encryption."""

import dataclasses
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from celery.worker import state
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from handbill.delivery import actions, queries, tasks
from handbill.delivery.engine.session import RelayTrouble, Session
from handbill.delivery.models import Delivery
from handbill.delivery.records import LetterBody, Recipient
from handbill.delivery.relays import password_of
from handbill.delivery.send import _own_name
from handbill.kit import clock
from handbill.kit.settings import Relay
from handbill.testing.relay import LoopbackRelay, Moment
from handbill.work.models import Job

LETTER = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")


def use(settings, relay: Relay) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=(relay,))


def hand_over(count: int) -> None:
    people = (Recipient(f"{n}", f"reader{n}@mail.example", "main") for n in range(count))
    actions.hand_over("issue-1", "issue", [LETTER], people, clock.now())


@pytest.mark.django_db
def test_a_ring_sends_all_that_is_due(settings):
    with LoopbackRelay() as relay:
        use(settings, Relay("local", relay.host, relay.port, "smtp"))
        hand_over(30)
        tasks.send_waiting()
        tasks.send_waiting()
        assert len(relay.messages) == 30 and queries.progress("issue-1").settled


@pytest.mark.django_db
def test_a_worker_told_to_stop_begins_no_window(settings, monkeypatch):
    with LoopbackRelay() as relay:
        use(settings, Relay("local", relay.host, relay.port, "smtp"))
        hand_over(30)

        def told(moment: Moment) -> None:
            monkeypatch.setattr(state, "should_stop", 0)

        relay.script = told
        tasks.send_waiting()
        assert len(relay.messages) == 20
        assert Delivery.objects.filter(state="waiting", lease_token="").count() == 10


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://paper.example", "paper.example"),
        ("http://127.0.0.1:8100", "[127.0.0.1]"),
        ("http://[::1]:8100", "[IPv6:::1]"),
    ],
)
def test_we_greet_a_relay_by_name_or_literal(settings, address: str, name: str):
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, public_address=address)
    assert _own_name() == name


@pytest.mark.django_db
def test_a_ring_without_a_relay_loses_nothing_and_waits(settings):
    use(settings, Relay("down", "127.0.0.1", 1, "smtp"))
    hand_over(3)
    tasks.send_waiting()
    assert Delivery.objects.filter(state="waiting", tries=0).count() == 3
    assert Job.objects.get(name="send mail").lease_until > clock.now()


def test_a_password_comes_from_the_environment_or_the_keys(settings, tmp_path: Path, monkeypatch):
    (tmp_path / "keys").mkdir()
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    relay = Relay("main-one", "relay.example", 587, "smtp+starttls", "ada")
    with pytest.raises(RelayTrouble, match="relay-main-one"):
        password_of(relay)
    (tmp_path / "keys" / "relay-main-one").write_text("from the file\n")
    assert password_of(relay) == "from the file"
    monkeypatch.setenv("HANDBILL_RELAY_PASSWORD_MAIN_ONE", "from outside")
    assert password_of(relay) == "from outside"
    assert password_of(dataclasses.replace(relay, user="")) == ""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    today = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "relay.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure_relay(certificate: Path) -> Iterator[tuple[Relay, LoopbackRelay]]:
    """A relay behind TLS from the first byte: each connection is decrypted and passed on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with LoopbackRelay() as relay, socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_answer, args=(door, context, relay.port), daemon=True).start()
        yield Relay("secure", "127.0.0.1", door.getsockname()[1], "smtps"), relay


def _answer(door: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            outside = door.accept()[0]
        except OSError:
            return
        with suppress(OSError):
            secure = context.wrap_socket(outside, server_side=True)
            inside = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=_pass_on, args=(secure, inside), daemon=True).start()
            threading.Thread(target=_pass_on, args=(inside, secure), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source, target:
        while data := source.recv(65536):
            target.sendall(data)


def test_mail_goes_over_tls_to_a_relay_whose_certificate_is_trusted(secure_relay, certificate: Path):
    relay, kept = secure_relay
    session = Session.open(relay, timeout=5, context=ssl.create_default_context(cafile=str(certificate)))
    assert session.send("news@paper.example", "bob@mail.example", b"Subject: x\r\n\r\nHi\r\n").state == "accepted"
    session.close()
    assert len(kept.messages) == 1


def test_a_certificate_nobody_vouches_for_is_refused(secure_relay):
    with pytest.raises(RelayTrouble, match="certificate"):
        Session.open(secure_relay[0], timeout=5)
