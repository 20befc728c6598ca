"""Read one feedback mail: a bounce, a complaint, an auto-reply, or none of them. Pure; takes any bytes, never raises.

A reader is gone only by an unknown or closed address (``weigh``); a block, a full mailbox or a policy never says so.
Sources: RFC 3464, RFC 5965, RFC 3834, RFC 8098; the wild ones by their words (ADR-0032).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handbill.delivery.engine.auto_reply import is_auto_reply
from handbill.delivery.engine.complaint import complaint_of, is_complaint
from handbill.delivery.engine.notification import COMPLAINT as COMPLAINED
from handbill.delivery.engine.notification import notice_in
from handbill.delivery.engine.parts import Mail, read_mail
from handbill.delivery.engine.report import Failure, holds_report, read_reports
from handbill.delivery.engine.weigh import Evidence, weigh
from handbill.delivery.engine.wild import failures_in, is_wild_bounce

BOUNCE, COMPLAINT, AUTO_REPLY, NONE = "bounce", "complaint", "auto-reply", "none"
_REJECTED = re.compile(
    r"automatically rejected", re.IGNORECASE
)  # a mailbox's own rules refuse in the form of a receipt
_NO_FAILURE = frozenset({"delivered", "relayed", "expanded", "deliverable"})


@dataclass(frozen=True, slots=True)
class Told:
    """What a mail tells of one recipient. ``address`` may lack a domain or be empty: the return path knows better.

    ``reason`` is a word of ``phrases``, "delivered", "deferred" or "other", or a complaint's kind. ``reader_gone`` that
    is not ``definite`` wants to be proven twice.
    """

    address: str
    status: str = ""
    reason: str = ""
    reader_gone: bool = False
    definite: bool = False


@dataclass(frozen=True, slots=True)
class Feedback:
    """``kind`` is one of the names above. ``to`` is whom the mail was delivered to: a return path, perhaps signed."""

    kind: str
    recipients: tuple[Told, ...] = ()
    to: str = ""


def read_feedback(data: bytes) -> Feedback:
    """What a mail tells of our readers; the order of recipients is the mail's."""
    mail = read_mail(data)
    kind, recipients = _read(mail)
    headers = mail.headers
    return Feedback(kind, tuple(recipients), headers.get("delivered-to") or headers.get("to", ""))


def _read(mail: Mail) -> tuple[str, list[Told]]:
    notice, told = notice_in(mail)
    if notice:
        return (COMPLAINT, _complained(told)) if notice == COMPLAINED else (BOUNCE, [_noticed(one) for one in told])
    if is_complaint(mail):
        return COMPLAINT, [Told(address, reason=kind) for address, kind in complaint_of(mail)]
    if reports := _reports(mail):
        return BOUNCE, _reported(read_reports(reports), mail)
    if mail.report_type == "delivery-status":
        return BOUNCE, _reported([], mail)
    is_receipt = mail.report_type == "disposition-notification" and not _REJECTED.search(mail.text)
    if is_receipt or not is_wild_bounce(mail):
        return (AUTO_REPLY if is_auto_reply(mail) else NONE), []
    return BOUNCE, _wild(mail)


def _reports(mail: Mail) -> tuple[str, ...]:
    return mail.reports or ((mail.text,) if holds_report(mail.text) else ())


def _complained(told: list[dict[str, str]]) -> list[Told]:
    return [Told(one["address"], reason=one["kind"]) for one in told]


def _noticed(one: dict[str, str]) -> Told:
    if one["action"] in _NO_FAILURE:
        return Told(one["address"], one["status"], "delivered")
    return _judged(one["address"], Evidence(one["said"], "", one["status"], one["action"]))


def _reported(failures: list[Failure], mail: Mail) -> list[Told]:
    """What reports say, with the words beside them; without any recipient, what the words say alone."""
    if not failures:
        return _wild(mail)
    told = dict(failures_in(mail))
    beside = {address.lower(): text for address, text in told.items()}
    alone = mail.text if len(failures) == 1 else ""
    return [_of_report(failure, alone or beside.get(failure.address.lower(), "")) for failure in failures]


def _of_report(failure: Failure, beside: str) -> Told:
    if failure.action in _NO_FAILURE:
        return Told(failure.address, failure.status, "delivered")
    evidence = Evidence(
        failure.diagnostic,
        beside,
        failure.status,
        failure.action,
        local=failure.told_type == "x-unix",
        vouched="bad-mailbox" in failure.category,
    )
    return _judged(failure.address, evidence)


def _wild(mail: Mail) -> list[Told]:
    return [_judged(address, Evidence("", text)) for address, text in failures_in(mail)]


def _judged(address: str, evidence: Evidence) -> Told:
    verdict = weigh(evidence)
    return Told(address, verdict.status, verdict.reason, verdict.gone, verdict.definite)
