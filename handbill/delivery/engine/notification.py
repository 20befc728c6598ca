"""Read a provider's notice in JSON that came by mail: Amazon SES over SNS. Pure."""

from __future__ import annotations

import json
from typing import Any

from handbill.delivery.engine.parts import Mail
from handbill.delivery.engine.report import MAX_RECIPIENTS

BOUNCE, COMPLAINT, DELIVERY = "Bounce", "Complaint", "Delivery"

_NAMES = {BOUNCE: "bouncedRecipients", COMPLAINT: "complainedRecipients", DELIVERY: "recipients"}


def notice_in(mail: Mail) -> tuple[str, list[dict[str, str]]]:
    """Its type and recipients (``address``, ``status``, ``said``, ``action``, ``kind``); ("", []) if there is none."""
    text = mail.text.strip().replace("!\n ", "")  # where sendmail broke a long line
    if not text.startswith("{"):
        return "", []
    try:
        notice, _ = json.JSONDecoder(strict=False).raw_decode(text)
        inner = notice.get("Message")
        notice = json.loads(inner) if isinstance(inner, str) else notice
        kind = notice.get("notificationType") or notice.get("eventType")
        return (kind, _recipients(notice, kind)) if kind in _NAMES else ("", [])
    except (ValueError, AttributeError, TypeError, RecursionError):
        return "", []


def _recipients(notice: dict[str, Any], kind: str) -> list[dict[str, str]]:
    """Raises AttributeError or TypeError where the notice isn't formed as documented."""
    told = notice.get(kind.lower(), {})
    rows = [one if isinstance(one, dict) else {"emailAddress": one} for one in told.get(_NAMES[kind], [])]
    return [
        {
            "address": str(one.get("emailAddress", "")),
            "status": str(one.get("status", "")),
            "said": str(one.get("diagnosticCode", "")),
            "action": "delivered" if kind == DELIVERY else str(one.get("action", "")),
            "kind": str(told.get("complaintFeedbackType") or "abuse"),
        }
        for one in rows[:MAX_RECIPIENTS]
    ]
