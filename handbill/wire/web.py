"""How the newsroom shows itself to outlets, what it may reach, and when it is its turn: the same for all it fetches.

A process has one ``traffic``: feeds, pages, robots.txt and looks at the desk wait for each other in it, so that a host
has one connection and a platform its budget, whatever they are used for. The worker fetches for the newsroom; a look at
the desk happens in the web process and so has a connection of its own, while an editor waits for it (ADR 0024).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings

from handbill import __version__
from handbill.kit.errors import TryLater
from handbill.kit.http import MAX_BYTES, Guard, Resolver, Response, fetch, look_up, system_resolver
from handbill.kit.urls import WebAddress, read_address
from handbill.wire.politeness import Traffic, agent_text, place_of

FETCH_SECONDS = 15.0  # for one fetch, with its name, redirects and body
PATIENCE = 5.0  # seconds a fetch waits for its turn
PAUSE = 0.05  # seconds between two looks whether it has come

traffic = Traffic()


class NoTurn(TryLater):
    """The host or its platform has its hands full with other requests of ours; the fetch never began."""


PRODUCT = "Handbill"
"""The name by which a robots.txt addresses us (RFC 9309, 2.2.1)."""


def agent() -> str:
    """The user agent: the program, where the newsroom says how it fetches, and its name."""
    return agent_text(PRODUCT, __version__, settings.HANDBILL.public_address, settings.HANDBILL.name)


def guard() -> Guard:
    """The newsroom's guard for every address from outside."""
    return Guard(settings.HANDBILL.allow_loopback)


def fetch_politely(
    address: str,
    *,
    seconds: float = FETCH_SECONDS,
    patience: float | None = None,
    max_bytes: int = MAX_BYTES,
    truncate: bool = False,
) -> Response:
    """GET ``address`` once it is its turn, as ``kit.http.fetch`` does, and raise what that raises.

    ``seconds`` are for the name and the fetch, ``patience`` (else PATIENCE) for the wait between. Raises NoTurn where
    the turn didn't come: that says nothing of the page. What a redirect leads to doesn't wait again.
    """
    where, began = read_address(address), time.monotonic()
    answers = look_up(where, seconds)
    left = seconds - (time.monotonic() - began)
    with _turn(where, answers, PATIENCE if patience is None else patience):
        return fetch(
            address,
            guard=guard(),
            user_agent=agent(),
            max_bytes=max_bytes,
            truncate=truncate,
            seconds=left,
            resolve=resolver(where.host, answers),
        )


def resolver(host: str, answers: Sequence[str]) -> Resolver:
    """Asks the system, but for ``host``, whose addresses are known."""

    def resolve(name: str, port: int) -> list[str]:
        return list(answers) if answers and name == host else system_resolver(name, port)

    return resolve


@contextmanager
def _turn(where: WebAddress, answers: Sequence[str], patience: float) -> Iterator[None]:
    place, ends = place_of(where, answers), time.monotonic() + patience
    while not traffic.begin(place, time.monotonic()):
        if time.monotonic() >= ends:
            raise NoTurn(f"{where.host} is busy with other requests of ours. It is asked again later.")
        time.sleep(PAUSE)
    try:
        yield
    finally:
        traffic.end(place)
