"""Read complaints: RFC 5965, and those of providers who write their own. Pure."""

from __future__ import annotations

import re

from handbill.delivery.engine.parts import Mail

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)$", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]+@[A-Za-z0-9][^\s<>()\[\],;:\"]*")
_SUBJECT = re.compile(
    r"complaint about message|abuse report|email feedback report for ip|spam complaint", re.IGNORECASE
)
_OPENING = re.compile(
    r"this is (an?|the) (\S+ ){0,3}(e-?mail )?abuse report|e-?mail abuse report for an? e-?mail|is a spam complaint"
    r"|feedback-type:[ \t]*(abuse|fraud|virus|opt-out|not-spam|auth-failure|other)",
    re.IGNORECASE,
)
_WHOM = ("original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to")
ABUSE = "abuse"


def is_complaint(mail: Mail) -> bool:
    """Whether a mail is a report that a reader called a letter spam, or the like."""
    if mail.complaints or mail.report_type == "feedback-report":
        return True
    subject = mail.headers.get("subject", "")
    return bool(_OPENING.search(mail.text[:3000]) or (_SUBJECT.search(subject) and mail.returned))


def complaint_of(mail: Mail) -> list[tuple[str, str]]:
    """The addresses that complained with the kind of complaint (abuse, fraud, opt-out, not-spam, …).

    Providers black out who it was; then the letter's own recipient stands for it, or nobody is named.
    """
    fields: dict[str, list[str]] = {}
    for text in (*mail.complaints, mail.text[:5000], mail.returned[:20_000]):
        for name, value in _FIELD.findall(text):
            fields.setdefault(name.lower(), []).append(value)
    kind = (fields.get("feedback-type") or [ABUSE])[0].strip().lower()[:20] or ABUSE
    for name in _WHOM:
        addresses = [match for value in fields.get(name, ()) for match in _ADDRESS.findall(value)]
        if addresses:
            return [(address, kind) for address in dict.fromkeys(addresses[:20])]
    return []
