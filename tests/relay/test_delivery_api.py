"""Mail through providers' APIs: what they are asked, and what their faults do to copies and relays."""

import base64
import contextlib
import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery import actions
from handbill.delivery.engine import api_pool
from handbill.delivery.engine.comeback import Comeback
from handbill.delivery.engine.judge_api import Answer, judge_answer
from handbill.delivery.errors import NoRelay
from handbill.delivery.models import Attempt, Breaker, Delivery, Suppression
from handbill.delivery.paths import copy_of
from handbill.delivery.records import READER_SLOT, LetterBody, Recipient, SendRound
from handbill.kit.errors import SettingsError
from handbill.kit.mail_settings import Relay
from handbill.kit.settings import parse_settings
from handbill.testing.provider import LoopbackProvider, Request, Says
from handbill.testing.relay import Drop, LoopbackRelay, Stall

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterBody(
    "main",
    "The Paper <news@paper.example>",
    "Tomás today",
    f'<p>Hi <a href="https://paper.example/u/{READER_SLOT}/">leave</a></p>',
    f"Hi: https://paper.example/u/{READER_SLOT}/ ü",
    one_click=f"https://paper.example/u/{READER_SLOT}/",
)
OPTIONS = {"ses": {"region": "eu-central-1"}, "mailgun": {"sender_domain": "paper.example"}}
ALL = ["brevo", "mailgun", "postmark", "resend", "sendgrid", "ses"]
Use = Callable[..., None]


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with LoopbackProvider() as server:
        yield server


@pytest.fixture
def use(settings: Any, monkeypatch: pytest.MonkeyPatch, provider: LoopbackProvider) -> Use:
    """Send through this provider, and through an SMTP relay behind it."""
    monkeypatch.setenv("HANDBILL_RELAY_PASSWORD_API", "id:secret")

    def put(name: str, behind: LoopbackRelay | None = None, **limits: Any) -> None:
        options = tuple(OPTIONS.get(name, {}).items())
        relays = [
            Relay(
                "api",
                "127.0.0.1",
                provider.port,
                "api",
                provider=name,
                base=provider.address,
                options=options,
                **limits,
            )
        ]
        if behind:
            relays.append(Relay("behind", behind.host, behind.port, "smtp"))
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, relays=tuple(relays), bounce_address="bounces@paper.example"
        )

    return put


def hand_over(count: int, reference: str = "issue-1") -> None:
    people = [Recipient(str(n), f"reader{n}@mail.example", "main") for n in range(count)]
    actions.hand_over(reference, "issue", [LETTER], people, NOON)


def states() -> Counter[str]:
    return Counter(Delivery.objects.values_list("state", flat=True))


def fields(request: Request) -> dict[str, Any]:
    """What was asked, of JSON or of a form."""
    if "json" in request.headers.get("content-type", "") or request.body.startswith(b"{"):
        return json.loads(request.body)
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    found = {}
    for part in message_from_bytes(head + request.body).get_payload():
        inner = part.get_payload()
        value = inner[0].as_bytes() if isinstance(inner, list) else part.get_payload(decode=True)
        found[part.get_param("name", header="content-disposition")] = value
    return found


@pytest.mark.parametrize("name", ALL)
def test_a_copy_goes_out_with_our_own_headers_untracked_and_findable(
    name: str, provider: LoopbackProvider, use: Use
) -> None:
    use(name)
    if name == "postmark":
        said = b'{"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": "reader0@mail.example"}'
        provider.script = lambda request, number: Says(body=said)
    hand_over(1)
    assert actions.send_batch(NOON) == SendRound(accepted=1)
    (request,) = provider.requests
    sent = fields(request)
    row = Delivery.objects.get()
    assert row.relay == "api" and row.state == "accepted" and bytes(row.address_sealed) == b""
    if name in ("ses", "mailgun"):
        raw = base64.b64decode(sent["Content"]["Raw"]["Data"]) if name == "ses" else sent["message"]
        mail = message_from_bytes(raw)
        headers = dict(mail.items())
        assert mail.get_content_type() == "multipart/alternative" and mail["Message-ID"].endswith("@paper.example>")
    else:
        found = sent.get("headers") or sent.get("Headers")
        headers = found if isinstance(found, dict) else {one["Name"]: one["Value"] for one in found}
        assert "ü" in json.dumps(sent, ensure_ascii=False) and "Tomás today" in json.dumps(sent, ensure_ascii=False)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<https://paper.example/u/0.") and "Message-ID" in headers
    whole = json.dumps({key: str(value) for key, value in sent.items()}) + str(headers)
    assert "reader0@mail.example" in whole and "DKIM" not in whole
    code = whole.partition("handbill")[2].partition("+")[2][:26]
    assert copy_of(Comeback("x", "bounce", paths=(f"+{code}@",)), NOON) == row
    untracked = {
        "mailgun": lambda: (sent["o:tracking-clicks"], sent["o:tracking-opens"]) == (b"no", b"no"),
        "postmark": lambda: sent["TrackOpens"] is False and sent["TrackLinks"] == "None",
        "sendgrid": lambda: not sent["tracking_settings"]["click_tracking"]["enable"],
        "ses": lambda: sent["FeedbackForwardingEmailAddress"].startswith("bounces+"),
    }
    assert untracked.get(name, lambda: True)()


def test_many_copies_each_once_and_the_first_alone(provider: LoopbackProvider, use: Use) -> None:
    use("mailgun")
    hand_over(60)
    assert actions.send_batch(NOON) == SendRound(accepted=60)
    assert set(Counter(fields(one)["to"] for one in provider.requests).values()) == {1}
    assert len({one.headers.get("authorization") for one in provider.requests}) == 1


@pytest.mark.parametrize(
    ("act", "state", "reason"),
    [
        (Drop(), "in doubt", "lost"),
        (Says(500, b"oops"), "in doubt", "system"),
        (Says(502, b"<html>bad gateway"), "in doubt", "system"),
        (Says(503, b"later"), "deferred", "closing"),
        (Says(200, b'{"id": "<1@', claims=500), "in doubt", "lost"),
        (Says(200, b"not json"), "in doubt", "lost"),
        (Says(200, b"x" * 10_000, times=10_000), "in doubt", "lost"),
        (Says(302, b"", {"Location": "http://127.0.0.1:1/"}), "deferred", "other"),
        (Says(400, b'{"message": "the content of this message was rejected as spam"}'), "refused", "content"),
        (Says(400, b'{"message": "what is this"}'), "deferred", "other"),
        (Says(413, b"too large"), "refused", "size"),
    ],
)
def test_faults_decide_only_what_they_tell(
    act: Any, state: str, reason: str, provider: LoopbackProvider, use: Use
) -> None:
    use("mailgun")
    provider.script = lambda request, number: act
    hand_over(1)
    with contextlib.suppress(NoRelay):
        actions.send_batch(NOON)
    assert states() == {state: 1} and len(provider.requests) == 1
    assert Attempt.objects.get().reason == reason and not Suppression.objects.exists()
    assert "reader0" not in Attempt.objects.get().reply


def test_a_request_that_takes_too_long_is_in_doubt_and_holds_up_nobody(
    provider: LoopbackProvider, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_pool, "SECONDS", 1.0)
    use("mailgun")
    provider.script = lambda request, number: Stall(30) if number == 3 else None
    hand_over(8)
    assert actions.send_batch(NOON) == SendRound(accepted=7, in_doubt=1)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Says(401, b"Forbidden"), "login"),
        (Says(403, b'{"message": "Your account has been temporarily disabled"}'), "account"),
        (Says(403, b'{"message": "Domain paper.example is not verified"}'), "sender"),
        (Says(402, b"payment required"), "account"),
    ],
)
def test_a_provider_that_wont_have_us_hands_all_mail_to_the_next_and_calls(
    act: Says, reason: str, provider: LoopbackProvider, use: Use
) -> None:
    provider.script = lambda request, number: act
    with LoopbackRelay() as behind:
        use("mailgun", behind)
        hand_over(20)
        assert actions.send_batch(NOON) == SendRound(accepted=20)
        assert len(behind.messages) == 20 and len(provider.requests) == 1
    row = Breaker.objects.get(about="relay api")
    assert row.calls and row.reason == reason and row.until >= NOON + timedelta(minutes=59)


def test_too_many_requests_are_sent_again_after_the_wait_it_asks_for(provider: LoopbackProvider, use: Use) -> None:
    use("mailgun")
    provider.script = lambda request, number: Says(429, b"slow", {"Retry-After": "1"}) if number == 2 else None
    hand_over(4)
    assert actions.send_batch(NOON) == SendRound(accepted=4)
    assert len(provider.requests) == 5 and not Attempt.objects.exists()


def test_a_long_wait_leaves_the_relay_alone_and_loses_nothing(provider: LoopbackProvider, use: Use) -> None:
    use("mailgun")
    provider.script = lambda request, number: Says(429, b"slow", {"Retry-After": "3600"})
    hand_over(4)
    with pytest.raises(NoRelay, match="too many requests"):
        actions.send_batch(NOON)
    assert len(provider.requests) == 1 and states() == {"waiting": 4} and not Attempt.objects.exists()
    assert Breaker.objects.get().until > NOON


def test_a_provider_that_is_not_there_hands_on_at_once(provider: LoopbackProvider, use: Use) -> None:
    with LoopbackRelay() as behind:
        use("resend", behind)
        provider.close()
        hand_over(5)
        assert actions.send_batch(NOON) == SendRound(accepted=5) and len(behind.messages) == 5


def test_an_address_on_the_providers_own_list_is_refused_and_nobody_is_gone(
    provider: LoopbackProvider, use: Use
) -> None:
    use("postmark")
    said = {"ErrorCode": 406, "Message": "Found inactive addresses: reader0@mail.example. Inactive recipients are"}
    provider.script = lambda request, number: Says(422, json.dumps(said).encode())
    hand_over(1)
    actions.send_batch(NOON)
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.reason, attempt.ends) == ("refused", "suppressed", "")
    assert not Suppression.objects.exists() and "reader0" not in attempt.reply


def test_three_failures_in_a_row_leave_the_relay_alone(provider: LoopbackProvider, use: Use) -> None:
    use("mailgun")
    provider.script = lambda request, number: Says(500, b"oops")
    hand_over(20)
    with pytest.raises(NoRelay):
        actions.send_batch(NOON)
    assert len(provider.requests) == 3 and states() == {"in doubt": 3, "waiting": 17}


def test_a_key_that_is_missing_is_said(
    provider: LoopbackProvider, use: Use, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use("brevo")
    monkeypatch.delenv("HANDBILL_RELAY_PASSWORD_API")
    hand_over(1)
    with pytest.raises(NoRelay, match="keys/relay-api"):
        actions.send_batch(NOON)
    assert provider.requests == []


@given(st.integers(100, 599) | st.just(0), st.text(max_size=80), st.booleans())
def test_no_answer_ever_means_that_a_reader_is_gone(status: int, text: str, refused: bool) -> None:
    for said in (text, f"550 5.1.1 user unknown {text}"):
        outcome = judge_answer(Answer(status, said, refused=refused), "reader@mail.example")
        assert outcome.reason not in ("gone", "moved", "domain") and "reader@mail.example" not in outcome.reply


def test_a_relay_of_a_provider_is_read_from_the_settings(tmp_path: Path) -> None:
    entry = {"name": "pm", "provider": "postmark", "options": {"message_stream": "broadcast"}, "daily": 10}
    (relay,) = parse_settings(tmp_path, {"relays": [entry]}, {}).relays
    assert (relay.host, relay.port, relay.security, relay.daily) == ("api.postmarkapp.com", 443, "api", 10)
    assert relay.options == (("message_stream", "broadcast"),) and relay.base == ""
    ses = {"name": "ses", "provider": "ses", "options": {"region": "eu-central-1"}}
    assert parse_settings(tmp_path, {"relays": [ses]}, {}).relays[0].host == "email.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "carrier-pigeon"},
        {"provider": "ses"},
        {"provider": "brevo", "options": {"api_key": "secret"}},
        {"provider": "brevo", "address": "http://api.brevo.example/"},
        {"provider": "brevo", "address": "https://key@api.brevo.example/"},
        {"provider": "postmark", "options": {"message_stream": 7}},
        {"provider": "mailgun", "user": "ada"},
    ],
)
def test_one_that_makes_no_sense_stops_the_start(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        parse_settings(tmp_path, {"relays": [{"name": "api", **wrong}]}, {})
    assert "secret" not in str(told.value) and "key@" not in str(told.value)
