"""Look at an outlet's address and say what can be gathered there: its feeds, its news sitemap, or its pages' links.

Everything goes through the guarded client and is read in the sandbox; no transaction is open meanwhile. One look has
one deadline and a fixed number of fetches. It happens in the web process, beside the worker's fetches, since an editor
waits for it; within this process it waits for its turn like every fetch. A page whose robots.txt keeps robots away is
no source: that is said before it is added. The page is kept for some minutes, so that picking its links with a selector
fetches nothing.
"""

from __future__ import annotations

import hashlib
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urljoin

from django.core.cache import cache

from handbill.kit.clock import now
from handbill.kit.errors import HandbillError, TryLater
from handbill.kit.http import MAX_BYTES, FetchLater, Response
from handbill.kit.text import shorten
from handbill.kit.urls import read_address, resolve_link
from handbill.sources.queries import known_feeds
from handbill.wire.discover import GUESSED, FoundFeed, same_site
from handbill.wire.fetch import sandbox
from handbill.wire.leave import NO_LEAVE, NoLeave, Rules, ask_leave, keep_rules, known_rules
from handbill.wire.records import Choice, Look
from handbill.wire.robots import MAX_BYTES as MOST_RULES
from handbill.wire.survey import Sample, survey_document, survey_selector, survey_sitemap
from handbill.wire.web import fetch_politely

SECONDS = 15.0  # for one look in all
FETCH_SECONDS = 6.0  # for one of its fetches
MOST_TRIED = 8  # feeds
MOST_SITEMAPS = 3
KEPT_SECONDS = 15 * 60
MOST_KEPT = 3 * 1024 * 1024  # bytes of a page

THE_ADDRESS = "This address is a feed."
SITEMAP = "The outlet's robots.txt names it as its sitemap."
LINKS = "No feed was found; these are the articles that the page links to."
SLOW = "The outlet answers slowly, so not everything was looked at. Look again later to see more."
NOTHING = (
    "Nothing was found there: no feed, no news sitemap, and no list of articles on the page. Try the address of the"
    " outlet's news page, or pick the links yourself."
)
_SITEMAP_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def look_at(address: str, *, seconds: float = SECONDS) -> Look:
    """What can be gathered at ``address``, which may lack ``https://``: best first, within ``seconds``.

    Raises HandbillError with a sentence for the editor when the address can't be had or is none.
    """
    errand = _Errand(seconds)
    answer = errand.front(address)
    survey = sandbox.run(survey_document, answer.body, address=answer.url, content_type=_type(answer))
    if survey.feed is not None:
        return _look(answer.url, [_choice(answer.url, survey.feed, THE_ADDRESS)])
    _keep(answer)
    choices = list(_tried(errand, survey.feeds)) or list(_sitemaps(errand, answer.url))
    if not choices and survey.links is not None:
        choices = [replace(_choice(answer.url, survey.links, LINKS), kind="page")]
        why = errand.why_closed(answer.url)
        if why:
            return Look(answer.url, (), why)
    look = _look(answer.url, choices, survey.selectors)
    return replace(look, sentence=SLOW if errand.late else "" if choices else NOTHING)


def pick_links(address: str, selector: str) -> Look:
    """What ``selector`` picks on the page (empty: links found by its structure); the page is fetched if it isn't kept.

    A selector that is wrong or picks nothing gives no choice, and a sentence. Raises HandbillError when the page can't
    be had.
    """
    selector = selector.strip()
    answer, errand = _kept(address), _Errand(SECONDS)
    if answer is None:
        answer = errand.front(address)
        _keep(answer)
    why = errand.why_closed(answer.url)
    if why:
        return Look(answer.url, (), why)
    survey = sandbox.run(
        survey_selector, answer.body, address=answer.url, content_type=_type(answer), selector=selector
    )
    found = [_choice(answer.url, survey.links, "")] if survey.links is not None else []
    look = _look(answer.url, [replace(choice, kind="page", selector=selector) for choice in found], survey.selectors)
    return replace(look, sentence=survey.why)


class _Errand:
    """The fetches of one look: all of them within one deadline."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self.late = False

    def front(self, address: str) -> Response:
        """The address itself; without a scheme, https first, and http where that can't be had for now.

        Raises what https said, unless http has an answer that is final.
        """
        address = address.strip().removeprefix("feed:")
        if _SCHEME.match(address):
            return self.get(read_address(address).text)
        secure = read_address(f"https://{address.removeprefix('//')}").text
        try:
            return self.get(secure)
        except FetchLater as error:
            try:
                return self.get(f"http{secure.removeprefix('https')}")
            except FetchLater:
                raise error from None

    def why_closed(self, address: str) -> str:
        """Why the links of this page can't be gathered for now, by its host's robots.txt; "" when they can."""
        met: dict[str, Rules] = {}
        try:
            ask_leave(address, known_rules([address], now()), met, self.rules)
        except NoLeave:
            return NO_LEAVE
        except TryLater as error:
            return str(error)
        finally:
            keep_rules(met, now())
        return ""

    def rules(self, address: str) -> Response:
        """A robots.txt, as much of it as is read."""
        return self.get(address, MOST_RULES, truncate=True)

    def get(self, address: str, max_bytes: int = MAX_BYTES, *, truncate: bool = False) -> Response:
        left = self._ends - time.monotonic()
        if left <= 0:
            self.late = True
            raise FetchLater("The outlet is too slow: there was no time left for this address. Try again later.")
        seconds = min(left, FETCH_SECONDS)
        return fetch_politely(address, seconds=seconds, patience=seconds, max_bytes=max_bytes, truncate=truncate)


def _tried(errand: _Errand, found: Iterable[FoundFeed]) -> Iterator[Choice]:
    """Those that are feeds. Guesses are tried only where the page names none that is, and the first one is enough."""
    seen: set[frozenset[str]] = set()
    for feed in list(found)[:MOST_TRIED]:
        if feed.why == GUESSED and seen:
            return
        try:
            answer = errand.get(feed.address)
            survey = sandbox.run(survey_document, answer.body, address=answer.url, content_type=_type(answer))
        except HandbillError:
            continue
        if survey.feed is None or (held := _holds(survey.feed)) in seen:
            continue
        seen.add(held)
        address = answer.url if same_site(answer.url, feed.address) else feed.address
        choice = _choice(address, survey.feed, feed.why)
        yield replace(choice, title=choice.title or feed.title)


def _holds(found: Sample) -> frozenset[str]:
    """What makes two feeds the same: one outlet often gives RSS and Atom of the same entries."""
    return frozenset(entry.address or entry.identity for entry in found.entries) or frozenset({found.title})


def _sitemaps(errand: _Errand, page: str) -> Iterator[Choice]:
    """The news sitemap that robots.txt names, through an index of sitemaps where there is one."""
    try:
        robots = errand.rules(urljoin(page, "/robots.txt")).body.decode(errors="replace")
    except HandbillError:
        return
    named = [resolve_link(page, address) for address in _SITEMAP_LINE.findall(robots[:500_000])]
    waiting = sorted(filter(None, dict.fromkeys(named)), key=lambda each: "news" not in each.lower())
    for _ in range(MOST_SITEMAPS):
        if not waiting:
            return
        address = waiting.pop(0)
        try:
            answer = errand.get(address)
            found, more = sandbox.run(survey_sitemap, answer.body, address=answer.url, content_type=_type(answer))
        except HandbillError:
            continue
        if found is not None:
            yield _choice(address, found, SITEMAP)
            return
        waiting = [*more[:1], *waiting]


def _choice(address: str, found: Sample, why: str) -> Choice:
    return Choice(
        address=address,
        kind="feed",
        format=found.format,
        why=why,
        title=shorten(found.title, 200),
        language=found.language,
        site_address=found.site_address,
        count=found.count,
        newest=found.newest,
        gap_minutes=found.gap_minutes,
        teasers=found.teasers,
        entries=found.entries,
    )


def _look(address: str, choices: list[Choice], selectors: tuple[str, ...] = ()) -> Look:
    known = known_feeds(choice.address for choice in choices)
    return Look(
        address, tuple(replace(choice, known=known.get(choice.address)) for choice in choices), selectors=selectors
    )


def _type(answer: Response) -> str:
    return answer.headers.get("content-type", "")


def _key(address: str) -> str:
    return f"look:{hashlib.sha256(address.encode()).hexdigest()}"


def _keep(answer: Response) -> None:
    if len(answer.body) <= MOST_KEPT:
        kept = (answer.url, _type(answer), zlib.compress(answer.body))
        cache.set(_key(answer.url), kept, KEPT_SECONDS)


def _kept(address: str) -> Response | None:
    kept = cache.get(_key(address))
    if kept is None:
        return None
    url, content_type, packed = kept
    return Response(200, url, {"content-type": content_type}, zlib.decompress(packed))
