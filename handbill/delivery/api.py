"""Post copies to providers' APIs by django-anymail: one request a copy, never followed, bounded, and never repeated.

Where an API takes a whole mail (Amazon SES, Mailgun) it gets ours byte by byte; elsewhere it makes one from our parts
and headers. Tracking is asked off wherever a request can say so (ADR-0008, ADR-0062). The copy's code, which our return
path would hold, goes along as metadata, so that a webhook can say whose copy it speaks of.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from typing import Any, NamedTuple

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string
from urllib3.exceptions import NewConnectionError

from handbill.delivery.engine.api_pool import Post
from handbill.delivery.engine.judge_api import Answer
from handbill.delivery.engine.outcome import Copy, RelayTrouble
from handbill.delivery.paths import code_of
from handbill.kit.mail_settings import Relay

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 10.0, 30.0, 50.0
MOST_ANSWER = 64 * 1024  # bytes
MOST_TEXT = 2000  # characters of an answer that are judged
METADATA = "handbill"
_MADE_THERE = frozenset({"from", "to", "subject", "mime-version", "content-type", "dkim-signature"})
_UNSENT = re.compile(r"EndpointConnection|ConnectTimeout|SSLError|NoCredentials|ProxyConnection")


class Provider(NamedTuple):
    """``secret`` is the backend's name for its key. ``raw``: it takes whole mails. ``untracked``: a request can say so.

    ``headers`` are added to each mail.
    """

    backend: str
    secret: str
    raw: bool = False
    untracked: bool = False
    headers: tuple[tuple[str, str], ...] = ()


PROVIDERS = {
    "brevo": Provider("anymail.backends.brevo.EmailBackend", "api_key"),
    "mailgun": Provider("handbill.delivery.api_mailgun.RawMailgun", "api_key", raw=True, untracked=True),
    "postmark": Provider(
        "anymail.backends.postmark.EmailBackend",
        "server_token",
        untracked=True,
        headers=(("X-PM-KeepID", "true"),),  # or it makes a Message-ID of its own
    ),
    "resend": Provider("anymail.backends.resend.EmailBackend", "api_key"),
    "sendgrid": Provider("anymail.backends.sendgrid.EmailBackend", "api_key", untracked=True),
    "ses": Provider("anymail.backends.amazon_ses.EmailBackend", "", raw=True),
}


def poster(relay: Relay, secret: str) -> Callable[[], Post]:
    """What makes each thread its ``Post``. Raises RelayTrouble where the relay can't be used as it is set."""
    try:
        backend(relay, secret)
    except (AnymailError, ImportError, ValueError) as error:
        raise RelayTrouble(f"Relay {relay.name} can't be used: {type(error).__name__}. {_fix(relay)}") from None

    def make() -> Post:
        line = backend(relay, secret)
        return lambda copy: _post(line, relay, copy)

    return make


def backend(relay: Relay, secret: str) -> Any:
    """anymail's backend for a relay, with our limits on its requests."""
    options: dict[str, Any] = dict(relay.options)
    provider = PROVIDERS[relay.provider]
    if relay.provider == "ses":
        options = _ses_options(relay, secret, options)
    else:
        options |= {provider.secret: secret, "requests_timeout": (CONNECT_SECONDS, READ_SECONDS)}
        options |= {"api_url": relay.base} if relay.base else {}
    made = import_string(provider.backend)(**options)
    if relay.provider == "ses":
        made.open()
    else:
        made.session = _Session()
    return made


class _Session(requests.Session):
    """Follows no redirect, believes no environment, and reads no more than an answer is long."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        until = time.monotonic() + WHOLE_SECONDS
        response = super().request(*args, **{**kwargs, "allow_redirects": False, "stream": True})
        data = bytearray()
        for piece in response.iter_content(4096):
            data += piece
            if len(data) > MOST_ANSWER or time.monotonic() > until:
                response.close()
                raise requests.ConnectionError("The answer is too long.")
        response._content = bytes(data)
        return response


class RawLetter(EmailMultiAlternatives):
    """A letter whose mail is ours byte by byte, with the headers that a backend adds in front."""

    raw = b""

    def message(self, *args: Any, **kwargs: Any) -> Any:
        return _Raw(self.raw)


class _Raw:
    """As much of a mail as anymail's backend for Amazon SES asks of one."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __setitem__(self, name: str, value: str) -> None:
        self._data = f"{name}: {value}\r\n".encode("ascii") + self._data

    def walk(self) -> Iterator[Any]:
        return iter(())

    def as_bytes(self) -> bytes:
        return self._data


def letter_of(copy: Copy, provider: Provider) -> RawLetter:
    """A copy as Django's message: our bytes, and its parts for those who make their own of them."""
    raw = b"".join(copy.body)
    mail = message_from_bytes(raw, policy=policy.default)
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    headers = {name: str(value) for name, value in mail.items() if name.lower() not in _MADE_THERE}
    letter = RawLetter(str(mail["Subject"]), text.get_content() if text else "", str(mail["From"]), [copy.to])
    letter.raw = raw
    if html:
        letter.attach_alternative(html.get_content(), "text/html")
    letter.extra_headers = {**headers, **dict(provider.headers)}
    letter.metadata = {METADATA: code_of(copy.key.id)}  # type: ignore[attr-defined]
    if provider.raw:
        letter.envelope_sender = copy.sender  # type: ignore[attr-defined]
    if provider.untracked:
        letter.track_clicks = letter.track_opens = False  # type: ignore[attr-defined]
    return letter


def _post(line: Any, relay: Relay, copy: Copy) -> Answer:
    try:
        letter = letter_of(copy, PROVIDERS[relay.provider])
        line.send_messages([letter])
    except AnymailRecipientsRefused as error:
        return Answer(_status(error.response), _text(error.response), refused=True)
    except AnymailAPIError as error:
        return _failed(error)
    except Exception as error:  # no request was made of it: what it holds, this API can't carry
        return Answer(text=f"{type(error).__name__}: the provider's API can't carry this letter.", unmade=True)
    ids = letter.anymail_status.message_id  # type: ignore[attr-defined]
    return Answer(_status(letter.anymail_status.esp_response) or 200, f"queued {ids or ''}"[:MOST_TEXT])  # type: ignore[attr-defined]


def _failed(error: AnymailAPIError) -> Answer:
    response, cause = error.response, error.__cause__
    if response is not None:
        status = _status(response)
        # an answer of success that can't be understood may be one: it is in doubt
        return Answer(0 if 200 <= status < 300 else status, _text(response), _wait(response))
    return Answer(text=f"No answer: {type(cause).__name__}.", unsent=_is_unsent(cause))


def _is_unsent(cause: BaseException | None) -> bool:
    if isinstance(cause, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    return isinstance(reason, NewConnectionError) or bool(_UNSENT.search(type(cause).__name__))


def _status(response: Any) -> int:
    if isinstance(response, dict):  # botocore's
        code = str(response.get("Error", {}).get("Code", ""))
        return 429 if "TooManyRequests" in code else int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return int(getattr(response, "status_code", 0))


def _text(response: Any) -> str:
    if isinstance(response, dict):
        error = response.get("Error", {})
        return f"{error.get('Code', '')}: {error.get('Message', '')}"[:MOST_TEXT]
    return str(getattr(response, "text", ""))[:MOST_TEXT]


def _wait(response: Any) -> float:
    given = "" if isinstance(response, dict) else response.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else 0.0


def _ses_options(relay: Relay, secret: str, options: dict[str, Any]) -> dict[str, Any]:
    key, _, secret_key = secret.partition(":")
    limits = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"total_max_attempts": 1},  # a second one would be a second mail
    }
    client = {
        "aws_access_key_id": key,
        "aws_secret_access_key": secret_key,
        "region_name": options.pop("region"),
        "config": limits,
    }
    return options | {"client_params": client | ({"endpoint_url": relay.base} if relay.base else {})}


def _fix(relay: Relay) -> str:
    if relay.provider == "ses":
        return "Install what it needs with `pip install --no-deps --require-hashes -r requirements/ses.txt`."
    return "Check its options in [[relays]]."
