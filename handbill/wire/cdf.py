"""Read a channel in the Channel Definition Format (CDF), which some old outlets still give. Pure.

Source: W3C note NOTE-CDFsubmit of 1997-03-10, and what feedparser's own cases show of its use.
"""

from __future__ import annotations

from lxml import etree

from handbill.kit.text import plain
from handbill.kit.urls import resolve_link
from handbill.wire.errors import FeedError
from handbill.wire.make import make_entry, make_feed, read_moment
from handbill.wire.mend import decode
from handbill.wire.parse import MAX_BYTES
from handbill.wire.records import Entry, ParsedFeed
from handbill.wire.tree import attribute, first_text, local_name, named, xml_tree

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def parse_cdf(data: bytes, *, address: str, content_type: str = "") -> ParsedFeed:
    """Read the channel that ``address`` gave as ``data``, with the items of the channels inside it.

    At most 500 entries, in the channel's order; an item's LASTMOD is its date. Raises FeedError, and nothing else,
    when there is no channel to be read.
    """
    if len(data) > MAX_BYTES:
        raise FeedError(f"This channel is larger than {MAX_BYTES // 1048576} MiB. Ask the outlet for a shorter one.")
    root = xml_tree(decode(data, content_type), "item")
    if local_name(root) != "channel":
        raise FeedError("This address gives no channel (CDF). Look for the outlet's feed address.")
    base = _base(root, address)
    language = root.get(_XML_LANG) or ""
    items = [element for element in root.iter() if local_name(element) == "item"]
    site = resolve_link(base, _link(root))
    return make_feed(
        plain(first_text(root, "title")), language, site, (_entry(item, address, language) for item in items)
    )


def _entry(item: etree._Element, address: str, language: str) -> Entry:
    base = address
    for element in [*reversed(list(item.iterancestors())), item]:
        base = _base(element, base)
    return make_entry(
        address=resolve_link(base, _link(item)),
        title=plain(first_text(item, "title") or first_text(item, "a")),
        language=item.get(_XML_LANG) or language,
        summary=first_text(item, "abstract"),
        published=read_moment(attribute(item, "lastmod")),
        base=base if base != address else "",
    )


def _link(element: etree._Element) -> str:
    """Its own HREF, or that of the A element inside it, as the first draft had it."""
    return attribute(element, "href") or next((attribute(child, "href") for child in named(element, "a")), "")


def _base(element: etree._Element, base: str) -> str:
    return resolve_link(base, attribute(element, "base")) or base
