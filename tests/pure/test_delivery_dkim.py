"""Signed copies hold before an independent verifier (dkimpy), and no header can be slipped in."""

import base64
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handbill.delivery.engine.dkim import KeyTrouble, SignedStamp, Signer, load_signer
from handbill.delivery.engine.stamp import compile_letter, compile_piece
from handbill.delivery.records import READER_SLOT

MORNING = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
RSA, ED25519 = rsa.generate_private_key(public_exponent=65537, key_size=2048), ed25519.Ed25519PrivateKey.generate()
SIGNERS = [Signer("paper.example", "r1", RSA), Signer("paper.example", "e1", ED25519)]


def records(name: bytes, timeout: int = 5) -> bytes:
    """What the newsroom would publish in the DNS."""
    der = RSA.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {
        b"r1._domainkey.paper.example.": b"v=DKIM1; k=rsa; p=" + base64.b64encode(der),
        b"e1._domainkey.paper.example.": b"v=DKIM1; k=ed25519; p="
        + base64.b64encode(ED25519.public_key().public_bytes_raw()),
    }[name]


def signed(
    text: str | list[str] = "Hi", html: str | list[str] = "<p>Hi</p>", token: str = "abc=", to: str = "bob@mail.example"
) -> bytes:
    letter = compile_letter(
        sender="Die Zeitung für  alle <news@paper.example>",
        subject="Fünf  Berichte " * 12,
        html=html if isinstance(html, str) else map(compile_piece, html),
        text=text if isinstance(text, str) else map(compile_piece, text),
        language="de",
        one_click=f"https://paper.example/unsubscribe/{READER_SLOT}/",
        headers=[("List-Id", "<digest.paper.example>")],
    )
    parts, size = SignedStamp(letter, SIGNERS).parts(to, "abc@paper.example", MORNING, token)
    data = b"".join(parts)
    assert len(data) == size and data.endswith(letter.copy(to, "abc@paper.example", MORNING, token))
    return data


def holds(data: bytes, which: int) -> bool:
    try:
        return bool(dkim.DKIM(data).verify(which, dnsfunc=records))
    except dkim.ValidationError:  # how it says that the body is another
        return False


PIECES = st.lists(st.sampled_from(["a  b", " \t", "\n", "\n\n", ".", "é", READER_SLOT, "x" * 80, "\t"]), max_size=10)


@settings(deadline=None, max_examples=40)
@given(
    text=PIECES | PIECES.map("".join),
    html=PIECES | PIECES.map("".join),
    token=st.sampled_from(["abc=", "t" * 200, ".x"]),
)
@example(text="", html="", token="a")
@example(text=[" ", "\t", READER_SLOT, READER_SLOT], html=["x" * 72 + " ", " ", "\n"], token="a")
@example(text="a \n\n\n", html="\n", token="a")
def test_both_signatures_hold_whatever_the_letter(text: str | list[str], html: str | list[str], token: str):
    data = signed(text, html, token)
    assert holds(data, 0) and holds(data, 1)
    assert all(len(line) <= 998 for line in data.split(b"\r\n")) and b"\r\n." not in data


def test_an_address_beyond_ascii_is_signed_too():
    assert holds(signed(to="jörg@mail.example"), 0)


@pytest.mark.parametrize(
    "name", ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"]
)
def test_neither_a_change_nor_a_second_header_goes_unseen(name: str):
    data = signed()
    at = data.index(f"\r\n{name}: ".encode()) + 2
    changed = data[:at] + data[at:].replace(b": ", b": x", 1)
    for which in (0, 1):
        assert not holds(changed, which)
        assert not holds(f"{name}: other\r\n".encode() + data, which)


def test_a_changed_body_goes_not_unseen():
    data = signed(text=f"see {READER_SLOT}")
    assert not holds(data.replace(b"<p>Hi", b"<p>Ho"), 0) and not holds(data.replace(b"abc=3D", b"abd=3D"), 1)


def pem(key) -> bytes:  # type: ignore[no-untyped-def]
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_keys_are_loaded():
    assert [load_signer("paper.example", "a", pem(key)).algorithm for key in (RSA, ED25519)] == [
        "rsa-sha256",
        "ed25519-sha256",
    ]


@pytest.mark.parametrize(
    ("domain", "key"),
    [
        ("paper.example", b"nothing"),
        ("paper.example", pem(ec.generate_private_key(ec.SECP256R1()))),
        ("paper.example", pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))),
        ("paper.example; x=1", pem(ED25519)),
    ],
)
def test_a_key_that_mail_is_not_signed_with_is_refused(domain: str, key: bytes):
    with pytest.raises(KeyTrouble):
        load_signer(domain, "a", key)
