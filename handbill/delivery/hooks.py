"""What providers tell by webhook becomes what bounces tell: the same marks, the same proof, the same acts (ADR-0063).

django-anymail reads each provider's form. A provider's own list of addresses that it won't mail never ends a
subscription; what the reader's server answered is weighed as in a bounce. Openings and clicks are refused.
"""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from anymail.signals import EventType, RejectReason
from django.http import HttpRequest
from django.utils.module_loading import import_string

from handbill.delivery.engine.comeback import Comeback
from handbill.delivery.engine.feedback import BOUNCE, COMPLAINT, Told
from handbill.delivery.engine.phrases import SUPPRESSED, status_in
from handbill.delivery.engine.weigh import OTHER, Evidence, weigh
from handbill.delivery.feedback import file_comeback
from handbill.delivery.hook_signs import SIGNED, BadSign, check_sns, check_svix, confirm_sns, key_of
from handbill.kit.mail_settings import Relay

MOST_EVENTS = 2000  # of one request
REFUSED = "refused"
VIEWS = {
    "brevo": "anymail.webhooks.brevo.BrevoTrackingWebhookView",
    "mailgun": "anymail.webhooks.mailgun.MailgunTrackingWebhookView",
    "postmark": "anymail.webhooks.postmark.PostmarkTrackingWebhookView",
    "resend": "anymail.webhooks.resend.ResendTrackingWebhookView",
    "sendgrid": "anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
    "ses": "anymail.webhooks.amazon_ses.AmazonSESTrackingWebhookView",
}
_TRACKING = frozenset({EventType.OPENED, EventType.CLICKED})
_LISTED = frozenset({RejectReason.BLOCKED, RejectReason.INVALID, RejectReason.SPAM, RejectReason.UNSUBSCRIBED})
_CODE = re.compile(r"\+[a-z2-7]{26}")

log = logging.getLogger(__name__)


def heed(relay: Relay, request: HttpRequest, now: datetime) -> Counter[str]:
    """Heed each event of a request once; how many came to which result (``Feedback.Result``, KNOWN or REFUSED).

    Raises BadSign for what isn't the provider's, ValueError for what can't be read.
    """
    counts: Counter[str] = Counter()
    for event in _events(relay, request):
        if event.event_type in _TRACKING:
            counts[REFUSED] += 1
        elif comeback := comeback_of(relay.provider, event):
            counts[file_comeback(comeback, now)] += 1
        else:
            counts["nothing"] += 1
    if counts[REFUSED]:
        log.error("Relay %s: its provider tracks who opens and clicks. Switch that off there.", relay.name)
    return counts


def comeback_of(provider: str, event: Any) -> Comeback | None:
    """An event as a mail that came back; None for those that tell nothing, of which there may be one a copy. Pure."""
    recipient, code = str(event.recipient or ""), str((event.metadata or {}).get("handbill", ""))
    paths = (f"{code}@",) if _CODE.fullmatch(code) else ()
    identity = _identity(provider, event)
    if event.event_type == EventType.COMPLAINED:
        return Comeback(identity, COMPLAINT, (Told(recipient, reason="abuse"),), paths, complains="abuse")
    if event.event_type == EventType.UNSUBSCRIBED:
        if (event.esp_event or {}).get("Origin", "Recipient") != "Recipient":
            return None  # somebody else did it, at Postmark's desk or by its API
        return Comeback(identity, COMPLAINT, (Told(recipient, reason="opt-out"),), paths, complains="opt-out")
    told = _told(provider, event, recipient)
    return Comeback(identity, BOUNCE, (told,), paths) if told else None


def _told(provider: str, event: Any, recipient: str) -> Told | None:
    said = str(event.mta_response or _hidden_answer(event) or "")
    if event.event_type == EventType.DEFERRED:
        return Told(recipient, status_in(said), "deferred")
    if event.event_type in (EventType.REJECTED, EventType.FAILED):
        return Told(recipient, reason=SUPPRESSED)
    if event.event_type != EventType.BOUNCED:
        return None
    if event.reject_reason in _LISTED or _is_list_of_its_own(provider, event):
        return Told(recipient, reason=SUPPRESSED)
    verdict = weigh(Evidence(said.partition(";")[2] if said.lower().startswith("smtp;") else said, action="failed"))
    return Told(recipient, verdict.status, verdict.reason or OTHER, verdict.gone, verdict.definite)


def _is_list_of_its_own(provider: str, event: Any) -> bool:
    """The provider didn't even try: its list of former bounces, which anymail calls a bounce as well."""
    whole = event.esp_event if isinstance(event.esp_event, dict) else {}
    if provider == "mailgun":
        return str((whole.get("event-data") or {}).get("reason", "")).startswith("suppress")
    if provider == "ses":
        return "Suppress" in str((whole.get("bounce") or {}).get("bounceSubType", ""))
    return False


def _hidden_answer(event: Any) -> str:
    """Resend gives the server's answer where anymail doesn't look for it."""
    data = event.esp_event.get("data") if isinstance(event.esp_event, dict) else None
    bounce = data.get("bounce") if isinstance(data, dict) else None
    found = bounce.get("diagnosticCode") if isinstance(bounce, dict) else None
    return str(found[0]) if isinstance(found, list) and found else ""


def _identity(provider: str, event: Any) -> str:
    """The same for the same event, however often it is told."""
    whole = str(event.event_id or json.dumps(event.esp_event, sort_keys=True, default=str))
    return sha256("\0".join(["hook", provider, whole, str(event.recipient), event.event_type]).encode()).hexdigest()


def _events(relay: Relay, request: HttpRequest) -> Iterator[Any]:
    """anymail's events of a request that is the provider's own. Raises BadSign, or a ValueError without its words."""
    key = key_of(relay)
    try:
        if relay.provider == "resend":
            check_svix(key, request.headers, request.body)
        if relay.provider == "ses":
            notice = check_sns(json.loads(request.body))
            if notice["Type"] == "SubscriptionConfirmation":
                confirm_sns(notice)
                return
        view = _view(relay, key)
        view.setup(request)
        view.run_validators(request)
        events = view.parse_events(request)[:MOST_EVENTS]
    except BadSign:
        raise
    except Exception as error:  # its words may repeat the request's
        if "ValidationFailure" in type(error).__name__:
            raise BadSign("The signature is wrong.") from None
        raise ValueError(type(error).__name__) from None
    yield from events


def _view(relay: Relay, key: str) -> Any:
    options: dict[str, Any] = {SIGNED[relay.provider]: key} if SIGNED.get(relay.provider) else {}
    if relay.provider == "ses":
        options["auto_confirm_sns_subscriptions"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a lacking password: the address is one
        return import_string(VIEWS[relay.provider])(**options)
