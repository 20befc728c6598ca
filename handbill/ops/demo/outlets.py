"""The eight fictional outlets of the demo: read from ``outlets/*.toml``, rendered as the feeds they serve on loopback.

Pure but for ``load_outlets``: every date is counted back from ``now``, so the news is always fresh. An entry of day 0
lies between one minute and ten hours before ``now``; an entry of day N, N days further back.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from handbill.testing.wire import Answer

FOLDER = Path(__file__).with_suffix("")
AGENCY = "agency.toml"
_TAG = re.compile(r"<[^<>]*>")
_BARE_AMP = re.compile(r"&(?:([a-zA-Z]+);)?")
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One article of an outlet. ``body`` is HTML; ``copy_of`` names the agency text it prints, or is empty."""

    day: int
    hours_ago: float
    slug: str
    title: str
    author: str
    categories: tuple[str, ...]
    body: str
    copy_of: str = ""

    def at(self, now: datetime) -> datetime:
        """When it was published, on a full minute."""
        return (now - timedelta(days=self.day, hours=self.hours_ago)).replace(second=0, microsecond=0)

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The body as plain text."""
        return tuple(unescape(_TAG.sub("", part)) for part in self.body.split("\n"))


@dataclass(frozen=True, slots=True)
class BadFeed:
    """An outlet's second feed, which never works: ``error`` answers 500, ``page`` is a web page that says 200."""

    path: str
    about: str
    fault: str


@dataclass(frozen=True, slots=True)
class Outlet:
    """A fictional outlet. ``format`` is rss2, rss1, atom or json; ``path`` is its feed's on the wire."""

    name: str
    about: str
    site: str
    language: str
    format: str
    path: str
    body: str
    entries: tuple[Entry, ...]
    second: BadFeed | None = None

    def link(self, entry: Entry) -> str:
        """The address of an entry's article (there is none: the outlet is fictional)."""
        return f"{self.site}/{entry.slug}"

    def until(self, newest_day: int, now: datetime) -> list[Entry]:
        """The entries that are out when ``newest_day`` is the newest day, newest first."""
        return sorted((e for e in self.entries if e.day >= newest_day), key=lambda e: e.at(now), reverse=True)


def load_outlets(folder: Path = FOLDER) -> tuple[Outlet, ...]:
    """Read every outlet, in the order of the file names. Raises KeyError or TOMLDecodeError for a file with a slip."""
    agency = tomllib.loads((folder / AGENCY).read_text("utf-8"))
    files = sorted(path for path in folder.glob("*.toml") if path.name != AGENCY)
    return tuple(_outlet(tomllib.loads(path.read_text("utf-8")), agency) for path in files)


def render_feed(outlet: Outlet, *, base_address: str, now: datetime, newest_day: int = 0) -> tuple[bytes, str]:
    """The outlet's feed as bytes, and its content type. ``newest_day=1`` leaves out today's entries.

    ``base_address`` is where the wire stands (``http://127.0.0.1:PORT``), or "" to name no address of the feed's own.
    """
    render, content_type = _FORMATS[outlet.format]
    address = base_address + outlet.path if base_address else ""
    text = render(outlet, outlet.until(newest_day, now), address, now)
    return text.encode("utf-8"), content_type


def routes(
    outlets: Iterable[Outlet], *, now: datetime, newest_day: int = 0, base_address: str = ""
) -> dict[str, Answer]:
    """What the wire answers: a good feed for each outlet, and the bad ones."""
    found: dict[str, Answer] = {}
    for outlet in outlets:
        body, content_type = render_feed(outlet, base_address=base_address, now=now, newest_day=newest_day)
        found[outlet.path] = Answer(body=body, content_type=content_type)
        if outlet.second:
            found[outlet.second.path] = _FAULTS[outlet.second.fault]
    return found


def opml(outlets: Iterable[Outlet], base_address: str) -> bytes:
    """The list of all feeds, good and bad, as an editor would import it."""
    lines = []
    for outlet in outlets:
        feeds = [(outlet.path, outlet.about)] + ([(outlet.second.path, outlet.second.about)] if outlet.second else [])
        lines += [
            f'    <outline type="rss" text="{escape(outlet.name)}" description="{escape(about)}"'
            f' xmlUrl="{escape(base_address + path)}" htmlUrl="{escape(outlet.site)}/" language="{outlet.language}"/>'
            for path, about in feeds
        ]
    head = '<?xml version="1.0" encoding="utf-8"?>\n<opml version="2.0">\n  <head><title>Outlets</title></head>'
    return "\n".join([head, "  <body>", *lines, "  </body>", "</opml>", ""]).encode("utf-8")


def _outlet(data: dict[str, Any], agency: dict[str, Any]) -> Outlet:
    fields = {name: data[name] for name in ("name", "about", "site", "language", "format", "path")}
    second = BadFeed(**data["second"]) if "second" in data else None
    entries = tuple(_entry(entry, agency) for entry in data["entries"])
    return Outlet(**fields, body=data.get("body", "html"), entries=entries, second=second)


def _entry(data: dict[str, Any], agency: dict[str, Any]) -> Entry:
    copy_of = data.get("copy_of", "")
    if copy_of:
        parts = [data.get("before", ""), agency[copy_of]["text"], data.get("after", "")]
        body = _paragraphs("\n\n".join(parts))
    else:
        body = data["html"].strip() if "html" in data else _paragraphs(data["text"])
    plain = {name: data[name] for name in ("day", "hours_ago", "slug", "title", "author")}
    return Entry(**plain, categories=tuple(data["categories"]), body=body, copy_of=copy_of)


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{escape(part.strip(), quote=False)}</p>" for part in text.split("\n\n") if part.strip())


def _rss2(outlet: Outlet, entries: list[Entry], address: str, now: datetime) -> str:
    own = f'<atom:link rel="self" type="application/rss+xml" href="{escape(address)}"/>' if address else ""
    items = "\n".join(_rss2_item(outlet, entry, now) for entry in entries)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xml:base="{outlet.site}/" xmlns:atom="http://www.w3.org/2005/Atom"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>{escape(outlet.name)}</title><link>{outlet.site}/</link>{own}
<description>{escape(outlet.about)}</description><language>{outlet.language}</language>
{items}
</channel></rss>
"""


def _rss2_item(outlet: Outlet, entry: Entry, now: datetime) -> str:
    return f"""<item><title>{escape(entry.title)}</title><link>{outlet.link(entry)}</link>
<guid isPermaLink="true">{outlet.link(entry)}</guid><pubDate>{format_datetime(entry.at(now))}</pubDate>
<dc:creator>{escape(entry.author)}</dc:creator>{_tags("category", entry)}
<description>{escape(entry.body.partition("</p>")[0])}&lt;/p&gt;</description>
<content:encoded><![CDATA[{entry.body}]]></content:encoded></item>"""


def _rss1(outlet: Outlet, entries: list[Entry], address: str, now: datetime) -> str:
    listed = "".join(f'<rdf:li rdf:resource="{outlet.link(entry)}"/>' for entry in entries)
    items = "\n".join(_rss1_item(outlet, entry, now) for entry in entries)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="{escape(address or outlet.site)}"><title>{escape(outlet.name)}</title><link>{outlet.site}/</link>
<description>{escape(outlet.about)}</description><dc:language>{outlet.language}</dc:language>
<items><rdf:Seq>{listed}</rdf:Seq></items></channel>
{items}
</rdf:RDF>
"""


def _rss1_item(outlet: Outlet, entry: Entry, now: datetime) -> str:
    link = outlet.link(entry)
    return f"""<item rdf:about="{link}"><title>{escape(entry.title)}</title><link>{link}</link>
<dc:date>{entry.at(now).isoformat()}</dc:date><dc:creator>{escape(entry.author)}</dc:creator>
{_tags("dc:subject", entry)}<description>{escape(chr(10).join(entry.paragraphs))}</description></item>"""


def _atom(outlet: Outlet, entries: list[Entry], address: str, now: datetime) -> str:
    own = f'<link rel="self" type="application/atom+xml" href="{escape(address)}"/>' if address else ""
    newest = max(entry.at(now) for entry in entries).isoformat()
    items = "\n".join(_atom_entry(outlet, entry, now) for entry in entries)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}" xml:base="{outlet.site}/">
<title>{escape(outlet.name)}</title><subtitle>{escape(outlet.about)}</subtitle><id>{outlet.site}/</id>
<link rel="alternate" type="text/html" href="{outlet.site}/"/>{own}<updated>{newest}</updated>
{items}
</feed>
"""


def _atom_entry(outlet: Outlet, entry: Entry, now: datetime) -> str:
    at = entry.at(now).isoformat()
    tags = "".join(f'<category term="{escape(name)}"/>' for name in entry.categories)
    xhtml = f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{_xhtml(entry.body)}</div></content>'
    content = xhtml if outlet.body == "xhtml" else f'<content type="html">{escape(entry.body)}</content>'
    return f"""<entry><title>{escape(entry.title)}</title><id>{_tag_address(outlet, entry)}</id>
<link rel="alternate" href="{entry.slug}"/><published>{at}</published><updated>{at}</updated>
<author><name>{escape(entry.author)}</name></author>{tags}
<summary>{escape(entry.paragraphs[0])}</summary>{content}</entry>"""


def _json(outlet: Outlet, entries: list[Entry], address: str, now: datetime) -> str:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "description": outlet.about,
        "home_page_url": f"{outlet.site}/",
        "language": outlet.language,
        "items": [_json_item(outlet, entry, now) for entry in entries],
    }
    return json.dumps(feed | ({"feed_url": address} if address else {}), ensure_ascii=False, indent=1)


def _json_item(outlet: Outlet, entry: Entry, now: datetime) -> dict[str, Any]:
    text = {"content_text": "\n\n".join(entry.paragraphs)} if outlet.body == "text" else {"content_html": entry.body}
    return {
        "id": outlet.link(entry),
        "url": outlet.link(entry),
        "title": entry.title,
        "date_published": entry.at(now).isoformat(),
        "authors": [{"name": entry.author}],
        "tags": list(entry.categories),
        **text,
    }


def _tags(element: str, entry: Entry) -> str:
    return "".join(f"<{element}>{escape(name)}</{element}>" for name in entry.categories)


def _tag_address(outlet: Outlet, entry: Entry) -> str:
    return f"tag:{urlsplit(outlet.site).hostname},2026:{entry.slug}"


def _xhtml(html: str) -> str:
    """Named entities of HTML mean nothing in XML: write the characters."""
    return _BARE_AMP.sub(lambda m: m[0] if m[1] in _XML_ENTITIES else escape(unescape(m[0])), html)


_ERROR = b"<!doctype html><title>Error</title><h1>Something went wrong</h1><p>Please come back later.</p>"
_PAGE = b"""<!doctype html><html lang="en"><head><title>Prices</title></head><body>
<h1>This page is being rebuilt</h1><p>Our price list is having a rest & will be back <b>soon.<p>Thank you for waiting.
"""
_FAULTS = {
    "error": Answer(500, _ERROR, "text/html; charset=utf-8"),
    "page": Answer(200, _PAGE, "text/html; charset=utf-8"),
}
_FORMATS: dict[str, tuple[Callable[[Outlet, list[Entry], str, datetime], str], str]] = {
    "rss2": (_rss2, "application/rss+xml; charset=utf-8"),
    "rss1": (_rss1, "application/rdf+xml; charset=utf-8"),
    "atom": (_atom, "application/atom+xml; charset=utf-8"),
    "json": (_json, "application/feed+json; charset=utf-8"),
}
