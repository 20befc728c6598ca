"""Read a mail that came back: what it tells, and our own marks in it, by which its copy is found. Pure.

Runs in the cell, where there is no key: the marks are candidates only, and whoever holds the keys believes those that
the newsroom made. The marks of the address that the mail was delivered to come first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from handbill.delivery.engine.complaint import ABUSE
from handbill.delivery.engine.feedback import COMPLAINT, Told, read_feedback
from handbill.delivery.engine.parts import MAX_BYTES, Mail, read_mail

MOST_MARKS = 50  # of each kind
_DELIVERED_TO = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "to", "cc")
_SENDERS_OWN = ("message-id", "date", "from", "to")
_PATH = re.compile(r"[-+=][A-Za-z2-7]{26}@")
_TOKEN = re.compile(r"/([0-9A-Za-z-]{1,64}\.[A-Za-z0-9_-]{22})(?=[/>?\s\"']|$)")
_NAME = re.compile(r"<([0-9a-f]{40})@", re.IGNORECASE)
_KIND = re.compile(r"^feedback-type:[ \t]*([\w-]{1,20})", re.IGNORECASE | re.MULTILINE)
_BODY = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Comeback:
    """``kind`` and ``recipients`` as in ``feedback``; ``identity`` is the same for the same mail by whatever way.

    ``paths`` are ends of return paths (``verp``), ``tokens`` readers' tokens, ``names`` what stands before the @ of a
    Message-ID: candidates, as found. ``complains`` is a complaint's kind (RFC 5965), also where it names nobody.
    """

    identity: str
    kind: str
    recipients: tuple[Told, ...] = ()
    paths: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    complains: str = ""


def read_comeback(data: bytes) -> Comeback:
    """What is in a mail, in any bytes at all; never raises."""
    mail, feedback = read_mail(data), read_feedback(data)
    to = "\n".join(mail.headers.get(name, "") for name in _DELIVERED_TO)
    told = "\n".join([*mail.reports, *mail.complaints, mail.returned, mail.text])
    return Comeback(
        identity_of(data, mail),
        feedback.kind,
        feedback.recipients,
        _found(_PATH, f"{to}\n{told}"),
        _found(_TOKEN, told),
        _found(_NAME, told),
        (match[1].lower() if (match := _KIND.search(told)) else ABUSE) if feedback.kind == COMPLAINT else "",
    )


def identity_of(data: bytes, mail: Mail | None = None) -> str:
    """A digest of what the sender wrote: the trace that each delivery adds to the head is left out."""
    own = [mail.headers.get(name, "") for name in _SENDERS_OWN] if mail else []
    match = _BODY.search(data[:MAX_BYTES]) if mail else None
    body = data[match.end() : MAX_BYTES] if match else data[:MAX_BYTES]
    return sha256("\0".join(own).encode("utf-8", "surrogateescape") + b"\0" + body).hexdigest()


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for match in pattern.finditer(text):
        found[match[match.lastindex or 0]] = None
        if len(found) >= MOST_MARKS:
            break
    return tuple(found)
