"""Turn a stranger's page or XML into a tree that can be walked in safety: no entity, no network, no exception. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from handbill.kit.text import clean, plain
from handbill.kit.urls import resolve_link
from handbill.wire.errors import FeedError
from handbill.wire.mend import Document, decode, mend_syntax

MAX_PAGE = 3_000_000  # characters of a page that are read
HEAD = 65_536  # characters in which a DOCTYPE may stand
MAX_TEXT = 2_000  # characters and elements of one element's text

_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]{0,2000}(?:\[[^\]]{0,60000}\]\s{0,100})?>", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta\s[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "bdi",
        "cite",
        "code",
        "em",
        "font",
        "i",
        "mark",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
    }
    | {"time", "u"}
)
_UNSEEN = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "textarea"})


def page_text(data: bytes, content_type: str = "") -> str:
    """A page's bytes as text: the answer's header names the encoding, or else the page itself does.

    Raises FeedError when there is no text at all.
    """
    if "charset" not in content_type.lower() and (says := _CHARSET.search(data[:4096])):
        content_type = f"text/html; charset={says.group(1).decode()}"
    return decode(data, content_type)


def page_tree(markup: str) -> etree._Element:
    """The tree of a whole page or a piece of one; markup that holds nothing gives an empty element."""
    data = markup[:MAX_PAGE].replace("\0", "").encode("utf-8", "ignore")
    parser = etree.HTMLParser(
        encoding="utf-8", recover=True, huge_tree=True, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        tree = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError):
        tree = None
    return etree.Element("html") if tree is None else tree


def page_base(tree: etree._Element, address: str) -> str:
    """Where the page's relative links start from: its ``<base>``, or its own address."""
    says = next((base.get("href") for base in tree.iter("base") if base.get("href")), "")
    return resolve_link(address, says) or address


def xml_tree(text: str, part: str) -> etree._Element:
    """The tree of an XML document, repaired where it is not well-formed; a DOCTYPE counts for nothing.

    One that breaks off keeps what stands before the end of its last whole ``part`` (a regular expression for its
    element's name). Raises FeedError when no tree can be made of it.
    """
    text = text[max(text.find("<"), 0) :]
    text = _DOCTYPE.sub("", text[:HEAD], count=1) + text[HEAD:]
    text = re.sub(r"\A\s*<\?xml[^>]{0,200}>", "", text)
    tree = _parsed(text, recover=False)
    if tree is None:
        whole = _whole_parts(text, part)
        tree = _parsed(mend_syntax(Document(whole, "", truncated=False)), recover=True)
    if tree is None:
        raise FeedError("This address gives XML that is broken beyond repair. It may be mended soon.")
    return tree


def local_name(element: etree._Element) -> str:
    """An element's name in lower case, without its namespace or an undeclared prefix; "" for what is no element."""
    return element.tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(element.tag, str) else ""


def named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The children of that name, in any case and namespace."""
    return (child for child in element if local_name(child) == name)


def first_text(element: etree._Element, name: str) -> str:
    """The text of the first child of that name, as written; "" when there is none."""
    return next(("".join(child.itertext()).strip() for child in named(element, name)), "")


def attribute(element: etree._Element, name: str) -> str:
    """An attribute's value, its name read in any case; "" when it is missing."""
    return next((value.strip() for key, value in element.items() if key.lower() == name), "")


def seen_text(element: etree._Element) -> str:
    """The text a reader sees in an element of a page, on one line; blocks and line breaks count as spaces."""
    parts: list[str] = []
    size = 0
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "end":
            piece = (node.tail or "") if node is not element else ""
            parts.append(piece if node.tag in _INLINE else f" {piece}")
        elif node.tag not in _UNSEEN:
            piece = node.text or ""
            parts.append(piece if node.tag in _INLINE else f" {piece}")
        size += len(piece) + 1
        if size > MAX_TEXT:
            break
    return clean("".join(parts))


def page_title(tree: etree._Element) -> str:
    """What a page calls its site, or itself."""
    for meta in tree.iter("meta"):
        if (meta.get("property") or "").lower() == "og:site_name" and meta.get("content"):
            return plain(meta.get("content"))
    return next((clean("".join(title.itertext())) for title in tree.iter("title")), "")


def _parsed(text: str, recover: bool) -> etree._Element | None:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover, remove_comments=True
    )
    try:
        return etree.fromstring(text.encode("utf-8", "ignore"), parser)
    except (etree.LxmlError, ValueError):
        return None


def _whole_parts(text: str, part: str) -> str:
    """``text`` up to the end of its last whole part, when the document's own end is missing."""
    root = re.search(r"<([A-Za-z_][\w.:-]{0,80})", text)
    if root is None or re.search(rf"</{re.escape(root.group(1))}\s*>\s*\Z", text[-1000:], re.IGNORECASE):
        return text
    ends = [match.end() for match in re.finditer(rf"</(?:[\w.-]{{1,40}}:)?(?:{part})\s*>", text, re.IGNORECASE)]
    return text[: ends[-1]] if ends else text
