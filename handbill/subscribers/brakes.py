"""Decide how many sign-ups are answered, and whose turn it is. Pure: no clock, database, Django or address.

A brake never refuses anybody: who is over one waits for a later turn. Turns go round the networks, so a crowd from one
of them delays only itself; three in four go to who did a proof of work where anybody did, the fourth to who did none.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, TypeVar

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEAST = {HOUR: 60, DAY: 300}
"""Sign-ups that every newsroom answers."""
USUAL_DAYS = {HOUR: 1, DAY: 5}
"""So many days' usual confirmations are answered as well."""
PER_CONFIRMED = 4
"""A crowd that presses the button is one of readers: for each who did lately, so many more are answered."""
MOST_OF_ONE = {HOUR: 10, DAY: 30}
"""Sign-ups answered of one network, or of one mail domain that isn't a large provider's."""
PROVED_IN_A_ROW = 3
USUAL_OVER = timedelta(days=28)
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
T = TypeVar("T")
_NEAR = tuple(
    ipaddress.ip_network(near)
    for near in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-up that waits. ``network`` and ``domain``: hashes of the day, "" where not known or not braked."""

    key: object
    network: str = ""
    domain: str = ""
    proved: bool = False


def allowance(span: timedelta, confirmed_usually: int, confirmed_lately: int) -> int:
    """How many sign-ups may be answered in ``span``, by who pressed the button in ``USUAL_OVER`` and in ``span``."""
    usual_a_day = confirmed_usually / (USUAL_OVER / DAY)
    return max(LEAST[span], round(USUAL_DAYS[span] * usual_a_day), PER_CONFIRMED * confirmed_lately)


def turns(
    waiting: Iterable[Waiting], room: int, networks: Mapping[str, int], domains: Mapping[str, int]
) -> list[object]:
    """The keys of those whose turn it is, ``room`` at most, of ``waiting`` in the order in which they came.

    ``networks``, ``domains``: what each has left, where it is less than its hourly share.
    """
    left = (_Left(networks), _Left(domains))
    lines = [], []  # type: tuple[list[Waiting], list[Waiting]]
    for one in waiting:
        lines[not one.proved].append(one)
    admitted: list[object] = []
    for one in _three_to_one(_round_robin(lines[0]), _round_robin(lines[1])):
        if len(admitted) >= room:
            break
        if left[0].any(one.network) and left[1].any(one.domain):
            left[0].take(one.network)
            left[1].take(one.domain)
            admitted.append(one.key)
    return admitted


def network_of(peer: str, forwarded: str) -> str:
    """The network a request came from: IPv4 /24, IPv6 /48; "" where it isn't known.

    ``forwarded``: the header X-Forwarded-For, believed only of a proxy on this machine or a private network, and only
    in its last entry, which that proxy wrote. What comes from there without one (an onion service) is of no network.
    """
    address = _address(peer)
    if address is not None and _is_near(address):
        address = _address(forwarded.rpartition(",")[2])
    if address is None or _is_near(address):
        return ""
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


def _is_near(address: Address) -> bool:
    return any(address in network for network in _NEAR if network.version == address.version)


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if address.version == 6 else address


class _Left:
    """What is left of each share; "" has no limit."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._known, self._taken = known, Counter[str]()

    def any(self, name: str) -> bool:
        return not name or self._taken[name] < self._known.get(name, MOST_OF_ONE[HOUR])

    def take(self, name: str) -> None:
        self._taken[name] += 1


def _round_robin(waiting: Sequence[Waiting]) -> list[Waiting]:
    """One of each network, then a second of each, and so on; those of no known network count as of one."""
    seen: Counter[str] = Counter()
    ranked = []
    for place, one in enumerate(waiting):
        ranked.append((seen[one.network], place, one))
        seen[one.network] += 1
    return [one for _, _, one in sorted(ranked, key=lambda each: each[:2])]


def _three_to_one(proved: Sequence[T], others: Sequence[T]) -> Iterator[T]:
    first, second = iter(proved), iter(others)
    end = object()
    while True:
        some = [one for one in (next(first, end) for _ in range(PROVED_IN_A_ROW)) if one is not end]
        other = next(second, end)
        yield from some  # type: ignore[misc]
        if other is not end:
            yield other  # type: ignore[misc]
        elif not some:
            return
