"""Read reports of delivery: RFC 3464, in its own part or as text in a mail that breaks the rules. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_RECIPIENTS = 100
_FIELD = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9-]{2,40})[ \t]*:[ \t]?(.*)")
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]+@[^\s<>()\[\],;:\"]+")
_BEGINS = re.compile(r"^[ \t]*(final|original)-recipient:", re.IGNORECASE | re.MULTILINE)
_WHOM = ("original-recipient", "final-recipient", "x-actual-recipient")
_HINTS = ("x-powermta-bouncecategory",)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report says of one recipient. ``address`` may lack a domain or be empty; ``told_type``: x-unix, smtp, …"""

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    told_type: str = ""
    category: str = ""


def read_reports(texts: tuple[str, ...]) -> list[Failure]:
    """The recipients of all reports, in order, each once; the report that came last is right."""
    found: dict[str, Failure] = {}
    for text in texts:
        for fields in _blocks(text):
            failure = _failure(fields)
            found[failure.address.lower()] = failure
            if len(found) >= MAX_RECIPIENTS:
                return list(found.values())
    return list(found.values())


def holds_report(text: str) -> bool:
    """Whether a text holds the fields of a report, as where a mail system sends it as plain text."""
    return bool(_BEGINS.search(text)) and "action:" in text.lower()


def _blocks(text: str) -> list[dict[str, str]]:
    """The groups of fields that tell of a recipient. One ends with an empty line, or where a field returns."""
    groups: list[dict[str, str]] = [{}]
    last = ""
    for line in text.splitlines():
        match = _FIELD.match(line)
        if not line.strip():
            groups.append({})
            last = ""
        elif line[0] in " \t" and last and not (match and match[1].lower() in _WHOM):
            groups[-1][last] += " " + line.strip()
        elif match:
            last = match[1].lower()
            if last in groups[-1]:
                groups.append({})
            groups[-1][last] = match[2].strip()
    return [group for group in groups if any(name in group for name in _WHOM)]


def _failure(fields: dict[str, str]) -> Failure:
    kind, semicolon, diagnostic = fields.get("diagnostic-code", "").partition(";")
    if not semicolon:
        kind, diagnostic = "", kind
    return Failure(
        _address(fields),
        fields.get("action", "").split(" ")[0].split("(")[0].strip().lower(),
        match[0] if (match := _STATUS.search(fields.get("status", ""))) else "",
        " ".join((diagnostic or _comment(fields.get("status", ""))).split()),
        kind.strip().lower(),
        " ".join(fields.get(name, "") for name in _HINTS).strip().lower(),
    )


def _address(fields: dict[str, str]) -> str:
    """The address we wrote to, if the report knows it, else that where the letter failed."""
    for name in _WHOM:
        _, _, value = fields.get(name, "").rpartition(";")
        if match := _ADDRESS.search(value):
            return match[0]
    return next((v.rpartition(";")[2].strip(" <>\t")[:254] for n in _WHOM[1:] if (v := fields.get(n, ""))), "")


def _comment(status: str) -> str:
    """Some write the reason beside the code: ``4.2.2 (Over quota)``."""
    return status[status.find("(") :] if "(" in status and "undefined" not in status else ""
