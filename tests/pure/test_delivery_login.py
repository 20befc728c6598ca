"""Greeting and login, word for word."""

import base64
from collections.abc import Iterable

import pytest

from handbill.delivery.engine.greeting import SECURE, Terms, greet, read_offers
from handbill.delivery.engine.login import LoginError, best_login
from handbill.delivery.engine.outcome import RelayTrouble
from handbill.delivery.engine.protocol import Mode, Offers
from handbill.delivery.engine.replies import Replies
from handbill.kit.mail_settings import Relay

NONCE = "rOprNGfwEbeRWgbNEkqO"
CHALLENGE = f"r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
VERIFIER = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def talk(generator, replies: Iterable[str]) -> tuple[list[str], object]:
    """What is said, and what comes of it: a generator's value, or the error."""
    said = []
    try:
        line = next(generator)
        for reply in replies:
            said.append(line.decode().removesuffix("\r\n"))
            (parsed,) = Replies().feed(f"{reply}\r\n".encode())
            line = generator.send(parsed)
        said.append(line.decode().removesuffix("\r\n"))
    except StopIteration as stop:
        return said, stop.value
    except (RelayTrouble, LoginError) as error:
        return said, error
    return said, None


def login(mechanisms: set[str], password: str, replies: Iterable[str]) -> tuple[list[str], object]:
    exchange = best_login(frozenset(mechanisms), password)
    assert exchange is not None
    return talk(exchange("user", password, NONCE), replies)


def test_scram_is_that_of_rfc_7677():
    said, reply = login(
        {"PLAIN", "SCRAM-SHA-256"}, "pencil", [f"334 {coded(CHALLENGE)}", f"334 {coded(VERIFIER)}", "235 2.7.0 in"]
    )
    proof = f"c=biws,r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert said == [f"AUTH SCRAM-SHA-256 {coded(f'n,,n=user,r={NONCE}')}", coded(proof), ""]
    assert reply.code == 235


@pytest.mark.parametrize(
    "replies",
    [
        [f"334 {coded(CHALLENGE)}", f"334 {coded('v=' + coded('no'))}"],
        [f"334 {coded(CHALLENGE)}", "235 2.7.0 in"],
        [f"334 {coded(CHALLENGE.replace(NONCE, 'other'))}"],
        [f"334 {coded(CHALLENGE.replace('4096', '1'))}"],
        [f"334 {coded(CHALLENGE.replace('4096', '999999999'))}"],
        [f"334 {coded(CHALLENGE.replace('4096', 'many'))}"],
        ["334 ???"],
    ],
)
def test_a_relay_that_cheats_at_scram_is_not_believed(replies):
    _, error = login({"SCRAM-SHA-256"}, "pencil", replies)
    assert isinstance(error, LoginError)


def test_the_other_ways_to_log_in():
    assert login({"PLAIN", "LOGIN"}, "pencil", ["235 in"])[0] == [
        f"AUTH PLAIN {coded(chr(0) + 'user' + chr(0) + 'pencil')}"
    ]
    said, _ = login({"LOGIN"}, "pencil", ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 in"])
    assert said == ["AUTH LOGIN", coded("user"), coded("pencil")]
    said, reply = login({"PLAIN", "XOAUTH2"}, "bearer abc", [f"334 {coded('no')}", "535 5.7.8 no"])
    assert said == [f"AUTH XOAUTH2 {coded('user=user' + chr(1) + 'auth=Bearer abc' + chr(1) * 2)}", ""]
    assert reply.code == 535


@pytest.mark.parametrize(("mechanisms", "password"), [({"CRAM-MD5"}, "pencil"), (set(), "x"), ({"PLAIN"}, "bearer x")])
def test_no_way_that_we_know(mechanisms, password):
    assert best_login(frozenset(mechanisms), password) is None


def greeting(security: str, replies: Iterable[str], user: str = "") -> tuple[list[str], object]:
    relay = Relay("main", "relay.example", 25, security, user)
    return talk(greet(Terms(relay, "paper.example", "pencil"), NONCE), replies)


EHLO = "250-relay\r\n250-PIPELINING\r\n250 AUTH PLAIN"


def test_a_greeting():
    said, offers = greeting(
        "smtp", ["220-hello\r\n220 there", "250-relay\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 DSN"]
    )
    assert said == ["", "EHLO paper.example"]
    assert offers == Offers(pipelining=True, chunking=True, dsn=True) and offers.best is Mode.CHUNKED


def test_an_old_relay_is_greeted_in_the_old_way():
    said, offers = greeting("smtp", ["220 hello", "502 what", "250 relay"])
    assert said == ["", "EHLO paper.example", "HELO paper.example"] and offers.best is Mode.PLAIN


def test_what_was_offered_before_tls_is_forgotten():
    replies = ["220 hello", f"{EHLO}\r\n250 STARTTLS".replace("250 AUTH", "250-AUTH"), "220 go", "250 x", "250 relay"]
    said, offers = greeting("smtp+starttls", replies)
    assert said == ["", "EHLO paper.example", "STARTTLS", SECURE.decode(), "EHLO paper.example"] and offers == Offers()


@pytest.mark.parametrize(
    ("security", "replies", "words"),
    [
        ("smtp", ["554 5.7.1 go away bob@mail.example"], "turned us away: 554 5.7.1 go away"),
        ("smtp", ["220 hello", "550 no"], "turned us away"),
        ("smtp+starttls", ["220 hello", "250 relay"], "no encryption"),
        ("smtp+starttls", ["220 hello", "250-relay\r\n250 STARTTLS", "454 not now"], "turned us away"),
        ("smtps", ["220 hello", EHLO, "535 5.7.8 no"], "refused the login"),
        ("smtps", ["220 hello", EHLO, "454 4.7.0 later"], "turned us away"),
        ("smtps", ["220 hello", "250-relay\r\n250 AUTH CRAM-MD5"], "no login"),
    ],
)
def test_a_relay_that_wont_have_us_says_why(security, replies, words):
    _, error = greeting(security, replies, "user" if security == "smtps" else "")
    assert words in str(error) and "relay.example:25" in str(error) and "bob" not in str(error)


def test_offers_are_read_whatever_their_case():
    offers = read_offers(("relay", "pipelining", "auth login Plain", "AUTH=XOAUTH2", "smtputf8", "-x", ""))
    assert offers == Offers(pipelining=True, smtputf8=True, logins=frozenset({"LOGIN", "PLAIN", "XOAUTH2"}))


@pytest.mark.parametrize(
    ("line", "size"), [("SIZE 1000", 1000), ("size 0", 0), ("SIZE", 0), ("SIZE ten", 0), ("SIZE ²", 0), ("SIZE -1", 0)]
)
def test_the_largest_letter_is_read(line, size):
    assert read_offers(("relay", line)).size == size
