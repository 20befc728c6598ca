"""Ask a host's robots.txt for leave before a page of it is fetched; each is fetched at most once a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from urllib.parse import urljoin

from handbill.kit.errors import GiveUp, TryLater
from handbill.kit.http import FetchRefused, Response
from handbill.kit.urls import AddressRefused, read_address
from handbill.wire.models import HostRules
from handbill.wire.robots import MAX_BYTES, may_fetch
from handbill.wire.web import NoTurn, agent, fetch_politely

RULES_LAST = timedelta(days=1)
CLOSED_LASTS = timedelta(hours=1)
NO_LEAVE = (
    "The outlet's robots.txt asks robots not to fetch this page, so its links can't be gathered. Look for a feed of the"
    " outlet, or ask it for leave."
)
CLOSED = "The outlet's robots.txt can't be had at present, so its pages are left alone. It is asked again."


Get: TypeAlias = Callable[[str], Response]
"""Fetches a robots.txt; raises as ``fetch_politely`` does."""


class NoLeave(GiveUp):
    """The host's robots.txt closes the page."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A host's robots.txt; ``closed``: it could not be had."""

    text: str
    closed: bool


def host_of(address: str) -> str:
    """Whose robots.txt rules the page: host and, unless it is the scheme's own, port; "" when there is none."""
    try:
        return read_address(address.partition("#")[0]).authority
    except AddressRefused:
        return ""


def fresh_rules(rows: Iterable[HostRules], now: datetime) -> dict[str, Rules]:
    """The rules that are young enough to go by, by their host."""
    return {row.host: Rules(row.text, row.closed) for row in rows if _fresh(row, now)}


def known_rules(addresses: Iterable[str], now: datetime) -> dict[str, Rules]:
    """What is kept of the hosts of these addresses, and young enough."""
    return fresh_rules(HostRules.objects.filter(host__in={host_of(address) for address in addresses}), now)


def keep_rules(met: Mapping[str, Rules], now: datetime) -> None:
    """Write down the rules that were fetched just now."""
    for host, rules in met.items():
        given = {"text": rules.text, "closed": rules.closed, "fetched_at": now}
        HostRules.objects.update_or_create(host=host[:253], defaults=given)


def _fresh(row: HostRules, now: datetime) -> bool:
    return now - row.fetched_at < (CLOSED_LASTS if row.closed else RULES_LAST)


def get_rules(address: str) -> Response:
    """Fetch a robots.txt when its host has a turn."""
    return fetch_politely(address, max_bytes=MAX_BYTES, truncate=True)


def ask_leave(address: str, known: Mapping[str, Rules], met: dict[str, Rules], get: Get = get_rules) -> float:
    """The seconds that the host wants between two pages; rules not ``known`` are fetched and put into ``met``.

    Knows no database. Raises NoLeave when the page is closed, TryLater when nobody can say for now (NoTurn: because its
    host has its hands full with us).
    """
    host = read_address(address.partition("#")[0]).authority
    rules = known.get(host) or met.get(host)
    if rules is None:
        rules = met[host] = _fetch_rules(urljoin(address, "/robots.txt"), get)
    if rules.closed:
        raise TryLater(CLOSED)
    permission = may_fetch(rules.text, address=address, agent=agent())
    if not permission.allowed:
        raise NoLeave(permission.why)
    return permission.delay


def _fetch_rules(address: str, get: Get) -> Rules:
    """RFC 9309, 2.3.1: a robots.txt that isn't there allows everything, one that can't be had nothing."""
    try:
        answer = get(address)
    except NoTurn:
        raise
    except FetchRefused as error:
        return Rules("", closed=error.status is None)
    except TryLater:
        return Rules("", closed=True)
    return Rules(answer.body.decode("utf-8", "replace").replace("\0", ""), closed=False)
