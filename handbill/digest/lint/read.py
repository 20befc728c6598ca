"""Read a letter from a mail or an HTML file, and check it, as plain values for ``handbill inspect letter``. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from typing import Any

from handbill.digest.lint.check import Finding, check_letter
from handbill.digest.lint.features import facts

_OWN = re.compile(r"/(?:preferences|unsubscribe|pause|still|confirm)/|HANDBILL-READER-TOKEN|unsub", re.IGNORECASE)
_HEADER = re.compile(rb"\s*[!-9;-~]+:[ \t]")


def inspect_letter(data: bytes) -> dict[str, Any]:
    """``kind`` (mail or page), ``bytes`` of its HTML, ``findings``, how many are ``problems``, its ``links``."""
    kind = "mail" if _HEADER.match(data) and not data.lstrip().startswith(b"<") else "page"
    html, found = _mail(data) if kind == "mail" else (_text(data), check_letter(_text(data)))
    return {
        "kind": kind,
        "bytes": len(html.encode("utf-8", "replace")),
        "problems": sum(one.level == "problem" for one in found),
        "findings": [asdict(one) for one in found],
        "facts": f"{facts().source}, {facts().updated}",
        "links": _links(html),
    }


def _links(html: str) -> list[str]:
    """Where it leads, but for what acts on a reader: those hold a token, and are the newsroom's own."""
    found = dict.fromkeys(unescape(link) for link in re.findall(r'<a\b[^>]*\shref="(https?://[^"\s]+)"', html))
    return [link for link in found if not _OWN.search(link)]


def _mail(data: bytes) -> tuple[str, list[Finding]]:
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    html, text = (_part(message, kind) for kind in ("html", "plain"))
    found = check_letter(html, text=text, subject=_header(message, "Subject"))
    if not html:
        found = [Finding("note", "html", 0, "There is no HTML part: only the text was looked at."), *found]
    if not message.get("List-Unsubscribe"):
        told = "There is no List-Unsubscribe header: readers who want to leave report the letter instead. Write one."
        found.append(Finding("note", "unsubscribe", 0, told))
    return html, found


def _part(message: EmailMessage, kind: str) -> str:
    try:
        part = message.get_body(preferencelist=(kind,))
        return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
    except (LookupError, ValueError, AttributeError):
        return ""


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError):
        return ""


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")
