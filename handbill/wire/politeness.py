"""How often and how many at once outlets are asked. Pure: the moment is an argument.

One connection at a time to a host. Hosts that one operator serves share a budget: those under one registrable domain
(public suffixes that a registry owns, so ``a.platform.example`` and ``b.platform.example`` are one), and those at one
network address. The newsroom's own machine (loopback numbers) has no budget, but one connection a port.

Processes that ask at the same time each have a share of all places, so that the promise holds without a word between
them: a domain with its hosts is of one share; of what a network address may be asked, each has its part (ADR 0042).
"""

from __future__ import annotations

import functools
import ipaddress
import re
import threading
import unicodedata
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

from publicsuffixlist import PublicSuffixList

from handbill.kit.urls import DEFAULT_PORTS, WebAddress

AT_ONCE = 4  # connections to one platform
A_MINUTE = 120  # requests to one platform
MINUTE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address leads: the host's own key, and those of the platforms whose budget it shares."""

    host: str
    platforms: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The domain that it belongs to; the host itself where no budget is shared."""
        return self.platforms[0] if self.platforms else self.host


@dataclass(frozen=True, slots=True)
class Share:
    """One of ``of`` shares of all places, counted from 0; the same in every process."""

    number: int = 0
    of: int = 1

    def has(self, place: Place) -> bool:
        """Whether requests to ``place`` are this share's alone."""
        return zlib.crc32(place.owner.encode()) % self.of == self.number


WHOLE = Share()


@dataclass(frozen=True, slots=True)
class Books:
    """What a ``Traffic`` knows at a moment: open connections, and when those of the last minute were begun."""

    hosts: frozenset[str] = frozenset()
    open: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, Sequence[float]] = field(default_factory=dict)


def place_of(address: WebAddress, answers: Sequence[str] = ()) -> Place:
    """The place of ``address``; ``answers`` are its host's network addresses, where they are known."""
    host = address.host if address.port in DEFAULT_PORTS.values() else f"{address.host}:{address.port}"
    number = _number(address.host)
    if number is not None and number.is_loopback:
        return Place(host)
    domain = address.host if number is not None else registrable(address.host)
    shared = [answer for answer in answers[:1] if not ((ip := _number(answer)) and ip.is_loopback)]
    return Place(host, tuple(dict.fromkeys([domain, *shared])))


@functools.lru_cache(maxsize=4096)
def registrable(host: str) -> str:
    """The part of a host name that somebody registered; the whole name where no registry is known."""
    return _suffixes().privatesuffix(host) or host


class Traffic:
    """What is open now and was begun within the last minute, by host and by platform. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._share, self._given = WHOLE, Books()
        self._hosts: set[str] = set()
        self._open: Counter[str] = Counter()
        self._begun: dict[str, deque[float]] = {}
        self._swept = 0.0

    def share_out(self, share: Share) -> Books:
        """From now on only places of ``share`` may be asked here; the books go to those who have the others."""
        with self._lock:
            self._share, self._given = share, self._books()
            return self._given

    def take_over(self, share: Share, books: Books) -> None:
        """Only places of ``share`` may be asked here, but for those that the giver of the books had open."""
        with self._lock:
            self._share, self._hosts, self._open = share, set(books.hosts), Counter(books.open)
            self._begun = {name: deque(begun) for name, begun in books.begun.items()}

    def books(self) -> Books:
        """What is known now."""
        with self._lock:
            return self._books()

    def take_back(self, others: Iterable[Books]) -> None:
        """All places may be asked here again; what the others began counts."""
        with self._lock:
            self._share = WHOLE
            for name, begun in ((name, begun) for books in others for name, begun in books.begun.items()):
                theirs = Counter(begun) - Counter(self._given.begun.get(name, ()))
                if theirs:
                    self._begun[name] = deque(sorted([*self._begun.get(name, ()), *theirs.elements()]))
            self._given = Books()

    def _books(self) -> Books:
        begun = {name: tuple(moments) for name, moments in self._begun.items()}
        return Books(frozenset(self._hosts), dict(self._open), begun)

    def may_begin(self, place: Place, moment: float) -> bool:
        """Whether host and platforms have room for one more request at ``moment`` (seconds, monotonic)."""
        with self._lock:
            return self._may_begin(place, moment)

    def begin(self, place: Place, moment: float) -> bool:
        """Let a request go out if there is room for it; whether there is. Whoever began it must ``end`` it."""
        with self._lock:
            if not self._may_begin(place, moment):
                return False
            if moment - self._swept > MINUTE:
                self._forget(moment)
            self._hosts.add(place.host)
            for platform in place.platforms:
                self._open[platform] += 1
                self._begun.setdefault(platform, deque()).append(moment)
            return True

    def end(self, place: Place) -> None:
        """The request is over, well or not."""
        with self._lock:
            self._hosts.discard(place.host)
            for platform in place.platforms:
                self._open[platform] -= 1

    def _may_begin(self, place: Place, moment: float) -> bool:
        if place.host in self._hosts or not self._share.has(place):
            return False
        return all(self._has_room(each, moment) for each in place.platforms)

    def _forget(self, moment: float) -> None:
        """Drop what no longer counts."""
        self._swept, self._open = moment, +self._open
        self._begun = {name: begun for name, begun in self._begun.items() if begun[-1] > moment - MINUTE}

    def _has_room(self, platform: str, moment: float) -> bool:
        begun = self._begun.get(platform)
        while begun and begun[0] <= moment - MINUTE:
            begun.popleft()
        if begun is not None and not begun:
            del self._begun[platform]
        parts = self._share.of if self._share.of > 1 and _number(platform) else 1  # an address may serve many domains
        return self._open[platform] < max(AT_ONCE // parts, 1) and len(begun or ()) < A_MINUTE // parts


def fresh_seconds(headers: Mapping[str, str], now: datetime) -> int:
    """For how long the answer needs no second look (RFC 9111, 4.2), by its own words; 0 where it doesn't say.

    Cache-Control goes before Expires. What it says to shared caches (``s-maxage``) is not for us.
    """
    control = _directives(headers.get("cache-control", ""))
    if "no-cache" in control or "no-store" in control:
        return 0
    if "max-age" in control:
        return max(_digits(control["max-age"]) - _digits(headers.get("age", "")), 0)
    expires = _date(headers.get("expires", ""))
    if expires is None:
        return 0
    return max(int((expires - (_date(headers.get("date", "")) or now)).total_seconds()), 0)


def agent_text(product: str, version: str, public_address: str, name: str) -> str:
    """The user agent: the program, where the newsroom says how it fetches, and its name as far as ASCII writes it."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_name = " ".join(re.sub(r"[^\x20-\x7e]|[()\\;]", " ", ascii_name).split())
    named = f"; {ascii_name}" if re.search(r"[A-Za-z0-9]", ascii_name) else ""
    return f"{product}/{version} (+{public_address}/fetching/{named})"


@functools.lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _directives(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.lower().split(","))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _digits(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip()) else 0


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else None
