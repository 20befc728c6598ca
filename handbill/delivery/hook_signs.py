"""The signatures that django-anymail leaves to others: Svix (Resend) by its key, Amazon SNS by Amazon's certificate.

The Svix library would do the first; it brings an HTTP client that one small answer can fill the memory of.
Sources: docs.svix.com "Verifying payloads manually", Amazon SNS "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import binascii
import functools
import hmac
import os
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings

from handbill.kit.errors import HandbillError
from handbill.kit.http import Guard, fetch
from handbill.kit.mail_settings import Relay

TOLERANCE = 5 * 60  # seconds that a signature is good for, either way
_AMAZON = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?")
_NOTICE = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}


SIGNED = {"mailgun": "webhook_signing_key", "sendgrid": "tracking_webhook_verification_key", "resend": ""}
"""Who signs with a key of the newsroom's, and what anymail calls it; Amazon signs with its own certificate."""


class BadSign(HandbillError):
    """The request is not the provider's."""


class NoKey(BadSign):
    """The provider signs, and the newsroom has no key to check it by."""


def key_of(relay: Relay) -> str:
    """``HANDBILL_WEBHOOK_KEY_NAME`` or ``keys/webhook-NAME``. Raises NoKey where the provider signs and none is."""
    given = os.environ.get(f"HANDBILL_WEBHOOK_KEY_{relay.name.upper().replace('-', '_')}")
    if given is None:
        try:
            given = (settings.HANDBILL.keys_folder / f"webhook-{relay.name}").read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            given = ""
    if relay.provider in SIGNED and not given:
        raise NoKey(f"Write the signing key of {relay.provider}'s webhooks into keys/webhook-{relay.name}.")
    return given


def check_svix(key: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> None:
    """Raises BadSign, also for what is older than ``TOLERANCE``. ``key`` is as the provider shows it: ``whsec_…``."""
    name, at, given = (headers.get(f"svix-{word}", "") for word in ("id", "timestamp", "signature"))
    try:
        secret = b64decode(key.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise BadSign("The webhook's key is no Svix key. Copy it as the provider shows it.") from None
    late = not at.isascii() or not at.isdigit() or abs((now or time.time()) - int(at)) > TOLERANCE
    right = b64encode(hmac.digest(secret, f"{name}.{at}.".encode() + body, "sha256"))
    words = [word.removeprefix("v1,") for word in given.split() if word.startswith("v1,")]
    if late or not any(hmac.compare_digest(right, word.encode("utf-8", "replace")) for word in words[:5]):
        raise BadSign("The signature is wrong or old.")


def check_sns(notice: Any, fetch_certificate: Callable[[str], bytes] | None = None) -> dict[str, str]:
    """The notice, once it is Amazon's. Raises BadSign."""
    try:
        names = _NOTICE if notice["Type"] == "Notification" else _CONFIRMATION
        signed = "".join(f"{name}\n{notice[name]}\n" for name in names if name in notice)
        algorithm = _HASHES[str(notice["SignatureVersion"])]()
        data = (fetch_certificate or _fetched)(_amazons(str(notice["SigningCertURL"])))
        key = x509.load_pem_x509_certificate(data).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(b64decode(notice["Signature"]), signed.encode(), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, KeyError, TypeError, ValueError, AssertionError, HandbillError):
        raise BadSign("The notice isn't signed by Amazon.") from None
    return {str(name): str(value) for name, value in notice.items()}


def confirm_sns(notice: Mapping[str, str]) -> None:
    """Visit the address by which a subscription to a topic begins. Raises BadSign where it isn't Amazon's."""
    try:
        _fetch(_amazons(notice["SubscribeURL"]))
    except HandbillError:
        raise BadSign("The subscription couldn't be confirmed. Ask Amazon to send its confirmation again.") from None


def _amazons(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.port or parts.username or not _AMAZON.fullmatch(parts.hostname or ""):
        raise BadSign("This is no address of Amazon SNS.")
    return address


@functools.lru_cache(maxsize=8)
def _fetched(address: str) -> bytes:
    return _fetch(address)


def _fetch(address: str) -> bytes:
    return fetch(address, guard=Guard(), user_agent="Handbill", max_bytes=64 * 1024, seconds=10).body
