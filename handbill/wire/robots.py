"""Whether an outlet's robots.txt lets the newsroom fetch a page, and how long it asks to wait between two. Pure.

RFC 9309, read by protego, and Crawl-delay and Request-rate besides, which that RFC leaves out and outlets still write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from protego import Protego

from handbill.kit.urls import AddressRefused, read_address

MAX_BYTES = 512 * 1024  # RFC 9309, 2.5: at least 500 KiB are read; the rest is ignored
MAX_LINES = 10_000
MAX_LINE = 2_000  # characters, as an address may have
MAX_DELAY = 3600.0  # seconds; more would mean never, which is what Disallow is for

_AGENT_LINE = re.compile(r"\s*user[- ]?agent\s*(?::|\s)\s*(?P<name>[^#]*)", re.IGNORECASE)
_PRODUCT = re.compile(r"[A-Za-z_-]+")
_ANOTHER = "User-agent: another-agent"


@dataclass(frozen=True, slots=True)
class Permission:
    """``allowed`` or not, ``why`` as a sentence, and ``delay``: the seconds asked for between two pages, 0 to 3600."""

    allowed: bool
    delay: float
    why: str


def may_fetch(robots: bytes | str, *, address: str, agent: str) -> Permission:
    """What the robots.txt text says to ``agent`` about the page at ``address``.

    Of the user agent only the product name counts ("Handbill" of "Handbill/1.0 (+https://paper.example/)"): the name of
    a newsroom in the rest of it must not be taken for another robot. Never raises; an address that can't be followed is
    not allowed.
    """
    try:
        whole = read_address(address.partition("#")[0]).text
    except AddressRefused as error:
        return Permission(False, 0.0, str(error))
    name = _product(agent)
    rules = Protego.parse(_trimmed(robots, name))
    delay = _delay(rules, name)
    if rules.can_fetch(whole, name):
        return Permission(True, delay, "The outlet's robots.txt allows this page.")
    return Permission(False, delay, "The outlet's robots.txt asks robots not to fetch this page. Clip it in a browser.")


def may_fetch_after(status: int, robots: bytes | str, *, address: str, agent: str) -> Permission:
    """The same for robots.txt as it was answered, with its HTTP status, after redirects.

    RFC 9309, 2.3.1: a robots.txt that isn't there allows everything, one that can't be had for now allows nothing.
    """
    if 200 <= status < 300:
        return may_fetch(robots, address=address, agent=agent)
    if 400 <= status < 500 and status != 429:
        return may_fetch("", address=address, agent=agent)
    return Permission(
        False, 0.0, f"The outlet's robots.txt can't be read for now (status {status}). It is asked again."
    )


def _product(agent: str) -> str:
    found = _PRODUCT.match(agent.strip())
    return found.group().lower() if found else "robot"


def _trimmed(robots: bytes | str, name: str) -> str:
    """The text within the limits, other agents under one name: a rule is kept once for each agent of its group."""
    text = robots if isinstance(robots, str) else robots[:MAX_BYTES].decode(errors="replace")
    lines = text[:MAX_BYTES].removeprefix("\ufeff").splitlines()[:MAX_LINES]
    return "\n".join(_line(line, name) for line in lines if len(line) <= MAX_LINE)


def _line(line: str, name: str) -> str:
    found = _AGENT_LINE.match(line)
    if found is None:
        return line
    agent = found["name"].strip().lower().partition("/")[0]
    meant = agent == "*" or agent.replace("*", "") in name
    return f"User-agent: {agent}" if meant else _ANOTHER


def _delay(rules: Protego, name: str) -> float:
    rate = rules.request_rate(name)
    between = min(rate.seconds, 86_400) / rate.requests if rate else 0.0  # both may be integers of any length
    return min(max(rules.crawl_delay(name) or 0.0, between), MAX_DELAY)
