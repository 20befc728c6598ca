"""Read a feed in any format, from bytes to entries: RSS, Atom, CDF, JSON Feed, news sitemaps. Pure.

A fast reader walks the document's tree (``wire.xml_feed``). Most feeds are well-formed and in UTF-8: their bytes go
to the parser as they are. The others ``wire.mend`` decodes and repairs first. Where the document is no XML even then,
the tree is what a forgiving parser makes of it, and a check compares it with the text; where the check fails a slow,
repairing parser reads the feed instead (``wire.repair``).
"""

from __future__ import annotations

import re
from dataclasses import replace

from lxml import etree

from handbill.wire.errors import FeedError
from handbill.wire.json_feed import parse_json_feed
from handbill.wire.make import MAX_BYTES
from handbill.wire.mend import ROOTS, Document, decode, mend_syntax, needs_mending, prepare
from handbill.wire.records import ParsedFeed
from handbill.wire.repair import repair_feed
from handbill.wire.sitemap import read_places
from handbill.wire.tree import local_name
from handbill.wire.xml_feed import TreeReader

_CDATA = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ENTRY = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_SITEMAPS = frozenset({"urlset", "sitemapindex"})
_NEVER_INSIDE = frozenset(
    {"title", "link", "guid", "id", "pubdate", "published", "updated", "author", "category", "item", "entry", "channel"}
)


def parse_feed(data: bytes, *, address: str, content_type: str = "") -> ParsedFeed:
    """Read the feed that ``address`` gave as ``data``; ``content_type`` is the answer's header.

    At most 2,000 entries, in the feed's order. A feed that breaks off gives the entries that are whole. ``address`` may
    be empty: relative links then stay as they are written. Raises FeedError, and nothing else, when there is no feed to
    be read.
    """
    if len(data) > MAX_BYTES:
        raise FeedError(f"This feed is larger than {MAX_BYTES // 1048576} MiB. Ask the outlet for a shorter one.")
    try:
        if (tree := _tree_of_sound(data.lstrip(), content_type)) is not None:
            return _of_tree(tree, address)
        text = decode(data, content_type)
        if text.startswith("{"):
            return parse_json_feed(text, address)
        return _parse_xml(prepare(text), address)
    except FeedError:
        raise
    except Exception as error:  # two parsers of others, and bytes of strangers
        raise FeedError(f"This feed can't be read: it is broken beyond repair ({type(error).__name__}).") from error


def _tree_of_sound(data: bytes, content_type: str) -> etree._Element | None:
    """The tree of a feed that needs no mending, else None."""
    if needs_mending(data, content_type):
        return None
    tree = _tree(data)
    return tree if tree is not None and local_name(tree) in ROOTS else None


def _of_tree(tree: etree._Element, address: str) -> ParsedFeed:
    return read_places(tree, address) if local_name(tree) in _SITEMAPS else TreeReader(tree, address).read()


def _parse_xml(document: Document, address: str) -> ParsedFeed:
    tree = _tree(document.text.encode())
    if tree is None:
        document = replace(document, text=mend_syntax(document))
        tree = _tree(document.text.encode())
    if tree is not None:
        return _of_tree(tree, address)
    if document.root.rpartition(":")[2].lower() in _SITEMAPS:
        return read_places(_forgiven(document.text)[0], address)
    tree, only_names = _forgiven(document.text)
    if tree is not None:
        reader = TreeReader(tree, address)
        if only_names or _sound(reader, document.text):
            return reader.read()
    return repair_feed(document, address)


def _tree(data: bytes) -> etree._Element | None:
    """The tree of a document in UTF-8 when it is well-formed and names no entity of its own, else None."""
    try:
        return etree.fromstring(data, _parser(recover=False))
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
        encoding="utf-8",
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
