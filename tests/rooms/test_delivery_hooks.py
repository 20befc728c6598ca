"""What providers tell by webhook, in the form of their documentation and signed as there: once, and as proof only."""

import base64
import dataclasses
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from django.test import Client

from handbill.delivery import actions, hook_signs, queries
from handbill.delivery.models import Attempt, Delivery, Feedback, Suppression
from handbill.delivery.paths import code_of
from handbill.delivery.records import LetterBody, Recipient
from handbill.kit.mail_settings import Relay

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")
ALL = ["brevo", "mailgun", "postmark", "resend", "sendgrid", "ses"]
GONE = "550 5.1.1 The email account that you tried to reach does not exist"
BLOCK = "550 5.7.1 Our system blocked your network"
TO = "reader0@mail.example"
SVIX = base64.b64encode(b"a secret of twenty-four").decode()
RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
EC_PUBLIC = EC.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
KEYS = {"mailgun": "mg-key", "resend": f"whsec_{SVIX}", "sendgrid": base64.b64encode(EC_PUBLIC).decode()}


@pytest.fixture(autouse=True)
def certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon's, as the guarded client would have fetched it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(RSA.public_key()).serial_number(1)
    made = made.not_valid_before(NOON - timedelta(days=1)).not_valid_after(NOON + timedelta(days=9999))
    pem = made.sign(RSA, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    visited: list[str] = []
    monkeypatch.setattr(hook_signs, "_fetched", lambda address: visited.append(address) or pem)


@pytest.fixture
def newsroom(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Relay]:
    def use(provider: str) -> Relay:
        relay = Relay("api", "127.0.0.1", 443, "api", provider=provider)
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=(relay,))
        if provider in KEYS:
            monkeypatch.setenv("HANDBILL_WEBHOOK_KEY_API", KEYS[provider])
        return relay

    return use


@pytest.fixture
def copy() -> Delivery:
    actions.hand_over("issue-1", "issue", [LETTER], [Recipient("reader-0", TO, "main")], NOON)
    Delivery.objects.update(state="accepted", next_at=None, settled_at=NOON)
    return Delivery.objects.get()


def event(provider: str, kind: str, code: str, said: str = GONE, to: str = TO) -> Any:
    """A payload; ``kind`` is gone, listed, complaint, deferred, opened or delivered."""
    meta = {"handbill": code}
    if provider == "mailgun":
        names = {"complaint": "complained", "opened": "opened", "delivered": "delivered"}
        data = {"event": names.get(kind, "failed"), "recipient": to, "timestamp": 1.0, "user-variables": meta}
        data |= {"severity": "temporary" if kind == "deferred" else "permanent", "delivery-status": {"message": said}}
        return data | ({"reason": "suppress-bounce"} if kind == "listed" else {"reason": "bounce"})
    if provider == "postmark":
        types = {
            "gone": "HardBounce",
            "listed": "ManuallyDeactivated",
            "complaint": "SpamComplaint",
            "deferred": "Transient",
        }
        records = {"complaint": "SpamComplaint", "opened": "Open", "delivered": "Delivery"}
        found = {
            "RecordType": records.get(kind, "Bounce"),
            "ID": 42,
            "Email": to,
            "Details": f"smtp;{said}",
            "Metadata": meta,
        }
        return found | ({"Type": types[kind]} if kind in types else {"Recipient": to})
    if provider == "brevo":
        names = {"gone": "hard_bounce", "listed": "blocked", "complaint": "spam"}
        return {
            "event": names.get(kind, kind), "email": to, "id": 7, "ts_epoch": 1604933654000, "reason": said,
            "message-id": "<1@relay.example>", "X-Mailin-custom": json.dumps(meta),
        }  # fmt: skip
    if provider == "resend":
        names = {
            "complaint": "complained",
            "deferred": "delivery_delayed",
            "opened": "opened",
            "delivered": "delivered",
        }
        bounce = {
            "message": "The recipient's email provider sent a hard bounce message",
            "diagnosticCode": [f"smtp; {said}"],
        }
        if kind == "listed":
            bounce = {"message": "Resend has suppressed sending to this address"}
        data = {"email_id": "1", "to": [to], "headers": [{"name": "X-Metadata", "value": json.dumps(meta)}]}
        data |= {"bounce": bounce} if kind in ("gone", "listed") else {}
        return {"type": f"email.{names.get(kind, 'bounced')}", "created_at": "2026-03-01T12:00:00Z", "data": data}
    if provider == "sendgrid":
        names = {"gone": "bounce", "listed": "dropped", "complaint": "spamreport", "opened": "open"}
        found = {"event": names.get(kind, kind), "email": to, "timestamp": 1, "sg_event_id": "e1", "reason": said}
        return [found | meta | ({"reason": "Bounced Address"} if kind == "listed" else {})]
    names = {"complaint": "Complaint", "deferred": "DeliveryDelay", "opened": "Open", "delivered": "Delivery"}
    name = names.get(kind, "Bounce")
    sub = "OnAccountSuppressionList" if kind == "listed" else "General"
    one = {"emailAddress": to, "diagnosticCode": f"smtp; {said}"}
    inner = {
        "Bounce": {"bounceType": "Permanent", "bounceSubType": sub, "bouncedRecipients": [one]},
        "Complaint": {"complainedRecipients": [one], "complaintFeedbackType": "abuse"},
        "Delivery": {"recipients": [to], "smtpResponse": "250 ok"},
    }
    mail = {"messageId": "m1", "destination": [to], "headers": [{"name": "X-Metadata", "value": json.dumps(meta)}]}
    return {"eventType": name, "mail": mail, name.lower(): inner.get(name, {})}


def signed(provider: str, payload: Any, once: str = "t1") -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a request, signed as the provider does."""
    if provider == "mailgun":
        at = "1772366400"
        mac = hmac.new(b"mg-key", f"{at}{once}".encode(), hashlib.sha256).hexdigest()
        return json.dumps(
            {"signature": {"timestamp": at, "token": once, "signature": mac}, "event-data": payload}
        ).encode(), {}
    if provider == "ses":
        note = {
            "Type": "Notification",
            "MessageId": once,
            "TopicArn": "arn:aws:sns:eu-central-1:1:t",
            "Message": json.dumps(payload),
            "Timestamp": "2026-03-01T12:00:00.000Z",
            "SignatureVersion": "2",
            "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem",
        }
        text = "".join(f"{name}\n{note[name]}\n" for name in ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))
        note["Signature"] = base64.b64encode(RSA.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        return json.dumps(note).encode(), {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": once}
    body = json.dumps(payload).encode()
    if provider == "resend":
        at = str(int(time.time()))
        mac = hmac.digest(base64.b64decode(SVIX), f"{once}.{at}.".encode() + body, "sha256")
        return body, {"svix-id": once, "svix-timestamp": at, "svix-signature": f"v1,{base64.b64encode(mac).decode()}"}
    if provider == "sendgrid":
        signature = base64.b64encode(EC.sign(b"12345" + body, ec.ECDSA(hashes.SHA256()))).decode()
        name = "X-Twilio-Email-Event-Webhook"
        return body, {f"{name}-Signature": signature, f"{name}-Timestamp": "12345"}
    return body, {}


def post(relay: Relay, body: bytes, headers: dict[str, str], path: str = "") -> int:
    path = path or queries.hook_address(relay).removeprefix("https://paper.example")
    kind = "text/plain" if relay.provider == "ses" else "application/json"
    return (
        Client(headers=headers)
        .post(path, body, content_type=kind, **{"handbill.face": "public", "HTTP_HOST": "paper.example"})
        .status_code
    )


def ended() -> list[str]:
    return [news.ends for news in queries.feedback_after(0, 100) if news.ends]


@pytest.mark.parametrize("provider", ALL)
def test_a_definite_answer_ends_its_reader_once_however_often_it_is_told(
    provider: str, newsroom: Any, copy: Delivery
) -> None:
    relay = newsroom(provider)
    body, headers = signed(provider, event(provider, "gone", code_of(copy.pk)))
    assert [post(relay, body, headers) for _ in range(2)] == [200, 200]
    assert ended() == ["gone"] and Feedback.objects.get().result == "filed" and Attempt.objects.count() == 1


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize(("kind", "said"), [("gone", BLOCK), ("listed", GONE), ("deferred", GONE), ("delivered", GONE)])
def test_a_block_and_a_list_of_the_providers_own_end_nothing(
    provider: str, kind: str, said: str, newsroom: Any, copy: Delivery
) -> None:
    relay = newsroom(provider)
    body, headers = signed(provider, event(provider, kind, code_of(copy.pk), said))
    assert post(relay, body, headers) == 200
    assert ended() == [] and not Suppression.objects.exists()


@pytest.mark.parametrize("provider", ALL)
def test_a_complaint_ends_and_suppresses(provider: str, newsroom: Any, copy: Delivery) -> None:
    relay = newsroom(provider)
    assert post(relay, *signed(provider, event(provider, "complaint", code_of(copy.pk)))) == 200
    assert ended() == ["complaint"] and Suppression.objects.get().reason == "complaint"


@pytest.mark.parametrize("provider", ALL)
def test_tracking_is_refused_and_nothing_of_it_kept(
    provider: str, newsroom: Any, copy: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    relay = newsroom(provider)
    assert post(relay, *signed(provider, event(provider, "opened", code_of(copy.pk)))) == 406
    assert not Feedback.objects.exists() and "Switch that off" in caplog.text and TO not in caplog.text


@pytest.mark.parametrize("provider", ["mailgun", "resend", "sendgrid", "ses"])
def test_what_is_not_signed_by_the_provider_is_turned_away(
    provider: str, newsroom: Any, copy: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    relay = newsroom(provider)
    body, headers = signed(provider, event(provider, "gone", code_of(copy.pk)))
    if provider == "mailgun":  # its signature covers a word and the time alone
        body, headers = body.replace(b'"token": "t1"', b'"token": "t2"'), headers
    elif provider == "ses":
        body = body.replace(b'"SignatureVersion": "2"', b'"SignatureVersion": "1"')
    else:
        body += b" "
    assert post(relay, body, headers) == 403
    assert not Feedback.objects.exists() and ended() == [] and TO not in caplog.text


def test_amazons_certificate_comes_from_amazon_alone(newsroom: Any, copy: Delivery) -> None:
    relay = newsroom("ses")
    body, headers = signed("ses", event("ses", "gone", code_of(copy.pk)))
    for host in ("sns.evil.example", "sns.eu.amazonaws.com.evil.example", "evil.amazonaws.com"):
        assert post(relay, body.replace(b"sns.eu-central-1.amazonaws.com", host.encode()), headers) == 403
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("provider", ALL)
def test_a_made_up_code_is_a_stray(provider: str, newsroom: Any, copy: Delivery) -> None:
    relay = newsroom(provider)
    code = code_of(copy.pk)
    forged = code[:5] + ("a" if code[5] != "a" else "b") + code[6:]
    assert post(relay, *signed(provider, event(provider, "gone", forged))) == 200
    assert Feedback.objects.get().result == "stray" and ended() == []


def test_a_word_on_another_address_is_not_definite(newsroom: Any, copy: Delivery) -> None:
    relay = newsroom("postmark")
    assert post(relay, *signed("postmark", event("postmark", "gone", code_of(copy.pk), to="x@else.example"))) == 200
    assert ended() == []


def test_who_unsubscribes_at_the_provider_leaves_but_not_by_somebody_elses_hand(newsroom: Any, copy: Delivery) -> None:
    relay = newsroom("postmark")
    change = {"RecordType": "SubscriptionChange", "Recipient": TO, "SuppressSending": True}
    change |= {"SuppressionReason": "ManualSuppression", "Metadata": {"handbill": code_of(copy.pk)}}
    assert post(relay, *signed("postmark", change | {"Origin": "Admin"})) == 200 and ended() == []
    assert post(relay, *signed("postmark", change | {"Origin": "Recipient"})) == 200 and ended() == ["complaint"]


def test_strangers_and_nonsense(newsroom: Any, copy: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = newsroom("brevo")
    assert post(relay, b"{}", {}, path="/hooks/api.AAAAAAAAAAAAAAAAAAAAAA/") == 404
    assert [post(relay, body, {}) for body in (b"", b"[", b'["x"]', b'{"event": []}', b"\xff")] == [400] * 5
    assert post(relay, b'{"a": "' + b"x" * 2**20 + b'"}', {}) == 413
    relay = newsroom("mailgun")
    monkeypatch.setenv("HANDBILL_WEBHOOK_KEY_API", "")
    assert post(relay, *signed("mailgun", event("mailgun", "gone", code_of(copy.pk)))) == 403
    assert not Feedback.objects.exists()
