"""WebSub by plain values: what an answer says of its hub, how long a promise lasts, whether a telling is genuine. Pure.

Source: W3C WebSub (2018); RFC 8288 for the Link header.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from handbill.kit.urls import read_address, resolve_link, why_not_public

LEASE = timedelta(days=10)  # asked for, and taken where a hub doesn't say
LONGEST_LEASE = timedelta(days=30)
RENEW = 0.8  # of the lease: leaves two days to ask again
PATIENCE = timedelta(hours=1)  # between two questions to a hub, and for its question back
LONGEST_WAIT = timedelta(days=1)
SPREAD = 0.1
MOST_TOLD = 2 * 1024 * 1024  # bytes of a feed that a hub sends along
SIGNATURES = ("sha1", "sha256", "sha384", "sha512")

_MAX_LINK = 8192  # characters of a Link header looked at
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\";,]+))", re.IGNORECASE)
_UNREACHABLE = (".localhost", ".local", ".internal", ".onion", ".home.arpa")


def advertised(link_header: str, base: str) -> tuple[str, str]:
    """Hub and topic that an answer's ``Link:`` header names, each absolute http(s) or ""; the first of each counts."""
    found = {"hub": "", "self": ""}
    for target, parameters in _LINK.findall(link_header[:_MAX_LINK]):
        rel = _REL.search(parameters)
        for name in (rel[1] or rel[2] or "").lower().split() if rel else ():
            if name in found:
                found[name] = found[name] or resolve_link(base, target)
    return found["hub"], found["self"]


def may_be_called(public_address: str, allowed: frozenset[tuple[str, int]]) -> bool:
    """Whether a hub elsewhere could reach us at ``public_address``; ``allowed`` are hosts and ports that tests use."""
    address = read_address(public_address)
    if (address.host, address.port) in allowed:
        return True
    if re.fullmatch(r"[0-9.]+|.*:.*", address.host):
        return not why_not_public(address.host)
    return "." in address.host and not address.host.endswith(_UNREACHABLE)


def promised_until(now: datetime, lease_seconds: str) -> datetime:
    """Until when the hub has promised to tell us: what it says, but never longer than 30 days."""
    said = re.fullmatch(r"[0-9]{1,9}", lease_seconds.strip())
    return now + (min(timedelta(seconds=int(said[0])), LONGEST_LEASE) if said else LEASE)


def renew_at(now: datetime, expires_at: datetime) -> datetime:
    """When to ask again, well before the promise ends, but not more often than once an hour."""
    return now + max((expires_at - now) * RENEW, PATIENCE)


def ask_again_at(now: datetime, failures: int, jitter: float, retry_after: int | None = None) -> datetime:
    """After ``failures`` in a row: an hour, doubled each time, at most a day, spread by a tenth; never given up."""
    wait = PATIENCE * (1 << min(max(failures - 1, 0), 10))
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=min(max(retry_after, 0), LONGEST_WAIT.total_seconds())))
    return now + min(wait, LONGEST_WAIT) * (1 + SPREAD * jitter)


def is_genuine(signature: str, secrets: Iterable[str], body: Iterable[bytes]) -> bool:
    """Whether the ``X-Hub-Signature`` is that of ``body`` under one of ``secrets``.

    Compared in constant time; ``body`` is read piece by piece, and not at all where the signature can't be right.
    """
    method, equals, given = signature.strip().partition("=")
    if not equals or method.lower() not in SIGNATURES or not re.fullmatch(r"[0-9A-Fa-f]{40,128}", given):
        return False
    macs = [hmac.new(secret.encode(), digestmod=method.lower()) for secret in secrets]
    for piece in body:
        for mac in macs:
            mac.update(piece)
    return any(hmac.compare_digest(mac.hexdigest(), given.lower()) for mac in macs)
