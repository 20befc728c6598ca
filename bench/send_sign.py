"""Signing a copy of 29 KB: our RSA and Ed25519 against dkimpy's RSA, in CPU time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from bench import send_letter
from bench.rows import Row
from bench.send_python import AT, one_letter
from handbill.delivery.engine.dkim import SignedStamp, Signer

LEAST = 25


def run(quick: bool) -> Iterator[Row]:
    """The fastest of some rounds in turn."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    stamp = one_letter()
    whole = stamp.copy(send_letter.reader(1), "a@paper.example", AT, send_letter.token(1))
    names = [b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe", b"list-unsubscribe-post"]
    ways: dict[str, tuple[int, Callable[[int], object]]] = {
        "dkimpy": (10, lambda n: dkim.sign(whole, b"r1", b"paper.example", pem, include_headers=names)),
        "RSA": (100, _ours(SignedStamp(stamp, [Signer("paper.example", "r1", key)]))),
        "Ed25519": (
            300,
            _ours(SignedStamp(stamp, [Signer("paper.example", "e1", ed25519.Ed25519PrivateKey.generate())])),
        ),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(3 if quick else 10):
        for name, (count, sign) in ways.items():
            best[name] = min(best[name], _spent(sign, count))
    ratio = best["dkimpy"] / best["RSA"]
    yield Row("a copy stamped and signed, Ed25519", round(1000 * best["Ed25519"], 3), "CPU ms")
    yield Row("a copy stamped and signed, RSA-2048", round(1000 * best["RSA"], 3), "CPU ms")
    yield Row(
        "CPU: dkimpy, RSA-2048",
        round(1000 * best["dkimpy"], 2),
        "CPU ms",
        f"≥ {LEAST} ×",
        ratio >= LEAST,
        "ours",
        ratio,
    )


def _ours(stamp: SignedStamp) -> Callable[[int], object]:
    return lambda n: stamp.parts(send_letter.reader(n), "a@paper.example", AT, send_letter.token(n))


def _spent(sign: Callable[[int], object], count: int) -> float:
    began = time.process_time()
    for number in range(count):
        sign(number)
    return (time.process_time() - began) / count
