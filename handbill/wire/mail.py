"""Look at a mail that came in for the newsletters: whose it is, and whether a person has to see it. Pure.

Runs in the sandbox with the reading of the mail itself: its headers are a stranger's bytes like the rest.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

from handbill.kit.text import clean, shorten
from handbill.kit.urls import resolve_link
from handbill.wire.errors import FeedError
from handbill.wire.newsletter import read_newsletter
from handbill.wire.records import CleanEntry
from handbill.wire.tree import page_text, page_tree, seen_text

MAX_RECIPIENTS = 50
MAX_LINKS = 40  # shown of a mail that is held
MAX_ANCHORS = 200  # looked at
MAX_TEXT = 3000  # characters of it
SHORT = 3000  # characters: a longer mail with a link "confirm" is a newsletter that speaks of confirming
UNREADABLE = "This mail's headers can't be read."

_DELIVERED = ("X-Original-To", "Delivered-To", "Envelope-To", "To", "Cc")  # the newsroom's own line comes first
_CONFIRM = re.compile(
    r"(confirm|verify|activate|validate|complete)\b.{0,30}\b(subscri|sign-?up|registration|e-?mail|address|request)"
    r"|^confirm( now| here)?$|(subscription|sign-?up|e-?mail)\b.{0,20}\b(confirmation|verification)\b|double opt-?in"
    r"|bestätig|anmeldung abschließen|\bconfirmer|\bconfirmez|confirmation (d'|de l'|de votre )"
    r"|confirma(r)? (tu|su|la|mi)\b"
    r"|confirme (sua|o seu|a sua|su)|conferma (la|il|iscrizione)|\bbevestig|\bbekräfta|\bbekreft|\bbekræft|\bvahvista"
    r"|potwierd|potvrd|megerősít|confirmă|onayla|подтверд|підтверд|επιβεβαί|确认订阅|確認|확인|تأكيد|אישור ההרשמה",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://[^\s<>\"')\]]{4,2000}")


@dataclass(frozen=True, slots=True)
class SeenMail:
    """A mail as it was seen: plain text only, but for ``entry``, which is None where ``fault`` says why.

    ``recipients`` are the addresses it came to, in small letters, the envelope's first. ``sender`` is a name and a
    domain. ``matchers`` are what it can be known by, the most telling first: its List-Id, its From, the From's
    domain after an @. ``links`` are texts and addresses. By ``identity`` (64 hexadecimal digits) it is known again.
    """

    identity: str
    recipients: tuple[str, ...] = ()
    sender: str = ""
    matchers: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    links: tuple[tuple[str, str], ...] = ()
    confirms: bool = False
    automatic: bool = False
    entry: CleanEntry | None = None
    fault: str = ""


def unread(data: bytes, fault: str) -> SeenMail:
    """A mail of which nothing is known but why it could not be read."""
    return SeenMail(hashlib.sha256(data).hexdigest(), fault=fault)


def see_mail(data: bytes) -> SeenMail:
    """Look at a whole mail, headers first. Raises nothing: what is wrong is its ``fault``."""
    try:
        mail = message_from_bytes(data, policy=policy.default)
        entry, fault = _entry(data)
        return _seen(mail, data, entry, fault)
    except Exception:  # the standard library's reading of strangers' headers
        return unread(data, UNREADABLE)


def matcher_of(text: str) -> str:
    """What an editor wrote or pasted to know a newsletter by, as it is compared: a List-Id, an address, or @domain."""
    inner = re.search(r"<([^<>]*)>", text)
    return clean(inner.group(1) if inner else text).lower()[:300]


def keys_of(recipients: tuple[str, ...]) -> list[str]:
    """The keys that these addresses may lead to, in their order: the local part, and what follows its last plus."""
    parts = [address.partition("@")[0] for address in recipients]
    return list(dict.fromkeys(key for local in parts for key in (local.rpartition("+")[2], local) if key))


def _entry(data: bytes) -> tuple[CleanEntry | None, str]:
    try:
        return read_newsletter(data), ""
    except FeedError as error:
        return None, str(error)


def _seen(mail: EmailMessage, data: bytes, entry: CleanEntry | None, fault: str) -> SeenMail:
    subject = shorten(clean(_header(mail, "Subject")), 300)
    links = _links(mail)
    text = entry.text if entry else ""
    name, address = _sender(mail)
    return SeenMail(
        identity=entry.identity if entry else hashlib.sha256(data).hexdigest(),
        recipients=_recipients(mail),
        sender=shorten(f"{name} ({address.rpartition('@')[2]})" if name else address.rpartition("@")[2], 200),
        matchers=_matchers(mail, address),
        subject=subject,
        text=text[:MAX_TEXT],
        links=links,
        confirms=_confirms(subject, text, links),
        automatic=_is_automatic(mail),
        entry=entry,
        fault=fault,
    )


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail.get(name) or "")
    except Exception:
        return ""


def _recipients(mail: EmailMessage) -> tuple[str, ...]:
    fields = [str(value) for name in _DELIVERED for value in mail.get_all(name, [])[:5]]
    addresses = [address.lower() for _, address in getaddresses(fields)[:MAX_RECIPIENTS] if "@" in address]
    return tuple(dict.fromkeys(addresses))


def _sender(mail: EmailMessage) -> tuple[str, str]:
    """The name and the address in the From line, each "" where there is none."""
    name, address = next(iter(getaddresses([_header(mail, "From")])), ("", ""))
    return ("" if "@" in name else clean(name)), clean(address).lower()


def _matchers(mail: EmailMessage, address: str) -> tuple[str, ...]:
    domain = address.rpartition("@")[2]
    found = (matcher_of(_header(mail, "List-Id")), address[:300], f"@{domain}"[:300] if domain else "")
    return tuple(dict.fromkeys(each for each in found if each))


def _is_automatic(mail: EmailMessage) -> bool:
    """Whether a machine answered or reports about a mail of ours (RFC 3834, RFC 3464)."""
    return (
        mail.get_content_type() == "multipart/report"
        or _header(mail, "Return-Path").strip() == "<>"
        or _header(mail, "Auto-Submitted").strip().lower().startswith("auto-replied")
        or _header(mail, "Precedence").strip().lower() == "auto_reply"
        or "X-Autoreply" in mail
    )


def _confirms(subject: str, text: str, links: tuple[tuple[str, str], ...]) -> bool:
    return bool(_CONFIRM.search(subject)) or (len(text) <= SHORT and any(_CONFIRM.search(label) for label, _ in links))


def _links(mail: EmailMessage) -> tuple[tuple[str, str], ...]:
    """The links as they came, with the tokens that are theirs: a person confirms a subscription by one of them."""
    part = mail.get_body(preferencelist=("html", "plain"))
    payload = part.get_payload(decode=True) if part is not None else None
    if part is None or not isinstance(payload, bytes) or not payload.strip():
        return ()
    text = page_text(payload, str(part.get("Content-Type", "")))
    if part.get_content_subtype() == "html":
        anchors = list(page_tree(text).iter("a"))[:MAX_ANCHORS]
        pairs = [(seen_text(anchor), (anchor.get("href") or "").strip()) for anchor in anchors]
    else:
        pairs = [("", link.rstrip(".,;:!?")) for link in _LINK.findall(text)[:MAX_ANCHORS]]
    links: dict[str, str] = {}
    for label, link in pairs:
        if address := resolve_link("", link):
            links.setdefault(address, shorten(label, 100))
    return tuple((label, address) for address, label in links.items())[:MAX_LINKS]
