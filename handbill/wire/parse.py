"""Read a feed in any format, from bytes to entries: RSS, Atom, CDF, JSON Feed, news sitemaps. Pure.

A fast reader walks the document's tree (``wire.xml_feed``), once ``wire.mend`` has decoded it and repaired the usual
faults. Where the document is no XML even then, the tree is what a forgiving parser makes of it, and a check compares it
with the text; where the check fails a slow, repairing parser reads the feed instead (``wire.repair``).
"""

from __future__ import annotations

import re
from dataclasses import replace

from lxml import etree

from handbill.wire.errors import FeedError
from handbill.wire.json_feed import parse_json_feed
from handbill.wire.make import MAX_BODY as MAX_BODY
from handbill.wire.make import MAX_BYTES as MAX_BYTES
from handbill.wire.make import MAX_ENTRIES as MAX_ENTRIES
from handbill.wire.mend import Document, decode, mend_syntax, prepare
from handbill.wire.records import ParsedFeed
from handbill.wire.repair import repair_feed
from handbill.wire.sitemap import read_places
from handbill.wire.xml_feed import TreeReader

_CDATA = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ENTRY = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_NEVER_INSIDE = frozenset(
    {"title", "link", "guid", "id", "pubdate", "published", "updated", "author", "category", "item", "entry", "channel"}
)


def parse_feed(data: bytes, *, address: str, content_type: str = "") -> ParsedFeed:
    """Read the feed that ``address`` gave as ``data``; ``content_type`` is the answer's header.

    At most 500 entries, in the feed's order. A feed that breaks off gives the entries that are whole. ``address`` may
    be empty: relative links then stay as they are written. Raises FeedError, and nothing else, when there is no feed to
    be read.
    """
    if len(data) > MAX_BYTES:
        raise FeedError(f"This feed is larger than {MAX_BYTES // 1048576} MiB. Ask the outlet for a shorter one.")
    try:
        text = decode(data, content_type)
        if text.startswith("{"):
            return parse_json_feed(text, address)
        return _parse_xml(prepare(text), address)
    except FeedError:
        raise
    except Exception as error:  # two parsers of others, and bytes of strangers
        raise FeedError(f"This feed can't be read: it is broken beyond repair ({type(error).__name__}).") from error


def _parse_xml(document: Document, address: str) -> ParsedFeed:
    tree = _tree(document.text)
    if tree is None:
        document = replace(document, text=mend_syntax(document))
        tree = _tree(document.text)
    if document.root.rpartition(":")[2].lower() in ("urlset", "sitemapindex"):
        return read_places(tree, address) if tree is not None else read_places(_forgiven(document.text)[0], address)
    if tree is not None:
        return TreeReader(tree, address).read()
    tree, only_names = _forgiven(document.text)
    if tree is not None:
        reader = TreeReader(tree, address)
        if only_names or _sound(reader, document.text):
            return reader.read()
    return repair_feed(document, address)


def _tree(text: str) -> etree._Element | None:
    """The document's tree when it is well-formed and names no entity of its own, else None."""
    try:
        return etree.fromstring(text.encode(), _parser(recover=False))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _forgiven(text: str) -> tuple[etree._Element | None, bool]:
    """What a forgiving parser makes of the text, and whether all that is wrong are prefixes that nobody declared."""
    parser = _parser(recover=True)
    try:
        tree = etree.fromstring(text.encode("utf-8", "ignore"), parser)
    except (etree.LxmlError, ValueError):
        return None, False
    return tree, all(fault.domain == etree.ErrorDomains.NAMESPACE for fault in parser.error_log)


def _parser(recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def _sound(reader: TreeReader, text: str) -> bool:
    """Whether a forgiven tree holds every entry that the text begins, and no part of one inside another part."""
    found = reader.entries()
    begun = len(_ENTRY.findall(_COMMENT.sub("", _CDATA.sub("", text))))
    return len(found) == begun and not any(
        reader.names[deep.tag] in _NEVER_INSIDE
        for entry in found
        for part in entry
        if reader.names[part.tag] not in ("author", "source", "media:group")
        for deep in part.iterdescendants(etree.Element)
    )
