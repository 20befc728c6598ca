"""Read a feed from its document's tree: RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, and CDF. Pure.

One reader for all of them: outlets mix the formats' elements, and the tables in ``wire.names`` say what each means.
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Iterator
from datetime import datetime
from html import escape, unescape

from lxml import etree

from handbill.kit.text import clean
from handbill.wire import names as table
from handbill.wire.dates import read_date
from handbill.wire.make import MAX_BODY, MAX_ENTRIES, absolute, literal_line, make_entry, make_feed, one_line
from handbill.wire.mend import right_text
from handbill.wire.names import Fields, Names
from handbill.wire.records import Entry, Media, ParsedFeed

MAX_DEPTH = 200  # elements of a body written as XML; what is deeper is read as text

_XML = "{http://www.w3.org/XML/1998/namespace}"
_LANG = f"{_XML}lang"
_HAS_BASES = etree.XPath("boolean(//@xml:base)")
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_HTML_LINKS = frozenset({"text/html", "application/xhtml+xml", "html", "xhtml"})
_TYPES = {"": "", "text": "text/plain", "plain": "text/plain", "html": "text/html", "xhtml": "application/xhtml+xml"}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_PLAINLY = frozenset({None, "text", "html"})
_BYTES = "application/octet-stream"

Found = dict[str, list[etree._Element]]  # by field
Links = list[tuple[dict[str, str], etree._Element]]  # each after its attributes


class TreeReader:
    """Reads one document; ``address`` is where it came from."""

    def __init__(self, root: etree._Element, address: str) -> None:
        self.names = Names(root)
        self.fields = Fields(self.names)
        self.root, self.address = root, address
        self.is_atom = self.names[root.tag] == "feed"
        self.is_cdf = self.names[root.tag] == "channel"
        self.bases = bool(_HAS_BASES(root))

    def read(self) -> ParsedFeed:
        """The feed and its first 2,000 entries, in the document's order."""
        channel = self._channel()
        head = self._read_for(channel)
        self.language = self._language(head, []) or self._language({}, [channel, self.root])
        links = _links(head)
        self.licence = self._licence(head, links)
        self.authors = self._authors(head) if self.is_atom else []
        return make_feed(
            self._first_line(head, "title"),
            self.language,
            absolute(self.address, self._link(channel, head, links)[0]),
            (self._entry(element) for element in self.entries()[:MAX_ENTRIES]),
            hub=self._related(links, "hub"),
            topic=self._related(links, "self"),
            kind=self._kind(),
        )

    def entries(self) -> list[etree._Element]:
        """The elements of the entries: beside the channel or in it, or where there are none, wherever they are."""
        found = [*_named(self.names, self.root, table.ENTRIES)]
        for part in self.root:
            if self.names[part.tag] not in table.ENTRIES:
                found += _named(self.names, part, table.ENTRIES)
        if found and not self.is_cdf:
            return found
        return [element for element in self.root.iter(etree.Element) if self.names[element.tag] in table.ENTRIES]

    def _channel(self) -> etree._Element:
        inner = self.root if not self.is_cdf else ()
        return next((part for part in inner if self.names[part.tag] == "channel"), self.root)

    def _kind(self) -> str:
        return "atom" if self.is_atom else "cdf" if self.is_cdf else "rss"

    def _read_for(self, element: etree._Element) -> Found:
        """Its children by field, each field's likeliest first: by name, then as they were written or from the last."""
        found = self._children(element)
        for field, listed in found.items():
            if len(listed) > 1 and field not in table.AS_WRITTEN:
                if field in table.LATEST_FIRST:
                    listed.reverse()
                listed.sort(key=self._rank)
        return found

    def _children(self, element: etree._Element) -> Found:
        """Its children by field, as written; those of a group of media stand beside it."""
        found: Found = {}
        for child in element:
            if field := self.fields[child.tag]:
                found.setdefault(field, []).append(child)
            if len(child) and self.names[child.tag].startswith("media:"):
                is_group = self.names[child.tag] == "media:group"
                for inner, elements in self._children(child).items():
                    if is_group or inner == "thumbnail":  # what else a picture holds is its caption
                        found.setdefault(inner, []).extend(elements)
        return found

    def _rank(self, element: etree._Element) -> int:
        return table.RANK[self.names[element.tag]]

    def _entry(self, element: etree._Element) -> Entry:
        found = self._read_for(element)
        links = _links(found)
        own_id, as_link = self._id(element, found)
        written, base = self._link(element, found, links)
        if not written and as_link:
            written, base = own_id, self._base(element)
        summary, content = self._bodies(element, found)
        bodies = [part for part in (content, summary) if part is not None]
        dated = _first_date(found, "dated")
        return make_entry(
            id=own_id,
            address=absolute(base, written),
            link=clean(written),
            title=self._first_line(found, "title"),
            authors=self._authors(found) or self.authors,
            language=self._language(found, [*bodies, element]) or self.language,
            categories=self._categories(found),
            summary="" if summary is None else self._markup(summary),
            content="" if content is None else self._markup(content),
            published=_first_date(found, "published") or dated or _first_date(found, "created"),
            updated=_first_date(found, "updated") or self._last_change(element) or dated,
            base=self._own_base(bodies[0] if bodies else element),
            media=self._media(found, links),
            licence=self._licence(found, links) or self.licence,
        )

    def _last_change(self, element: etree._Element) -> datetime | None:
        """In CDF an attribute tells it."""
        return read_date(_attribute(element, "lastmod")) if self.is_cdf else None

    def _first_line(self, found: Found, field: str) -> str:
        for each in found.get(field, ()):
            if text := self._line(each):
                return text
        return ""

    def _line(self, element: etree._Element) -> str:
        """A title as plain text. Atom says whether it is markup; elsewhere outlets write what they like."""
        if _as_it_stands(element) and "<" not in (text := element.text or "") and "&" not in text:
            return clean(right_text(text))
        kind = _type(element, "text/plain")
        if len(element) == 0 and kind == "text/plain" and self.is_atom and element.get("mode") != "base64":
            return literal_line(right_text(element.text or ""))
        return one_line(self._markup(element))

    def _id(self, element: etree._Element, found: Found) -> tuple[str, bool]:
        """The entry's own id, and whether it is also its address."""
        for each in found.get("id", ()):
            if text := _text(each):
                permanent = _attribute(each, "isPermaLink").lower() != "false"
                whole = self._own_base(each) if permanent else ""
                text = absolute(whole, text) or text if whole else text
                return clean(text), permanent and text.startswith(("http://", "https://", "/"))
        return clean(element.get(f"{_RDF}about") or element.get("about") or ""), False

    def _link(self, element: etree._Element, found: Found, links: Links) -> tuple[str, str]:
        """The link to the article itself, as it was written, and the base it starts from."""
        best, rank, where = "", 0, element
        for said, link in links:
            href = said.get("href") or said.get("url")
            text = href or _text(link).replace("&amp;", "&")
            worth = _worth(said) if href else 3
            if text and worth and worth >= rank:
                best, rank, where = text, worth, link
        if not best:
            parts = [element, *(part for part in found.get("title", ()) if self.names[part.tag] == "a")]
            best = next((href for part in parts if (href := _attribute(part, "href"))), "")
        return best, self._base(where)

    def _bodies(self, element: etree._Element, found: Found) -> tuple[etree._Element | None, etree._Element | None]:
        """The elements of summary and content: of two summaries the second is the content where there is no other."""
        told = _ordered(element, found.get("summary", []))
        whole = _ordered(element, found.get("content", []))
        content = next((each for each in whole if _is_text(kind := _type(each, "text/plain")) or kind == _BYTES), None)
        if content is None and len(told) > 1:
            content = next((each for each in told[1:] if _text(each) != _text(told[0])), None)
        return (told[0] if told else None), content

    def _markup(self, element: etree._Element) -> str:
        """A body as markup, by its type: text escaped, markup as it is, and elements written out."""
        if len(element):
            return _inner(element)
        text = right_text(element.text or "")
        kind = _type(element, "text/html" if self.names[element.tag] in table.MARKED else "text/plain")
        if element.get("mode") == "base64" or not _is_text(kind):
            text = _from_base64(text)
            kind = "text/plain" if kind == "text/plain" and element.get("type") else "text/html"
        elif kind in _HTML_TYPES and not (kind != "text/html" and element.get("type")):
            return text
        if kind == "text/html" or (not self.is_atom and one_line(text) != clean(text)):
            return text  # markup, though it may be called text
        return escape(unescape(text), quote=False)

    def _language(self, found: Found, elements: list[etree._Element]) -> str:
        for each in elements:
            if own := each.get(_LANG) or each.get("lang"):
                return str(own)
        return _text(found["language"][0]) if "language" in found else ""

    def _authors(self, found: Found) -> list[str]:
        return [self._author(each) for each in found.get("author") or found.get("speaker") or []]

    def _author(self, element: etree._Element) -> str:
        if not len(element):
            return _text(element)
        parts = {self.names[child.tag].rpartition(":")[2]: _text(child) for child in element}
        return parts.get("name") or parts.get("email") or ""

    def _media(self, found: Found, links: Links) -> Iterator[Media]:
        for part in found.get("enclosure", ()):
            yield from self._medium(part, _attributes(part))
        for said, link in links:
            if said.get("rel") == "enclosure":
                yield from self._medium(link, said)
        for part in found.get("medium", ()):
            yield from self._medium(part, _attributes(part))
        for part in found.get("thumbnail", ()):
            yield from self._medium(part, {"type": "image/*"} | _attributes(part))

    def _medium(self, part: etree._Element, said: dict[str, str]) -> Iterator[Media]:
        address = absolute(self._base(part), said.get("url") or said.get("href") or _text_alone(part))
        if not address.startswith(("http://", "https://")):
            return
        size = said.get("length") or said.get("filesize") or ""
        bytes_ = int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None
        title = said.get("title") or next((_text(each) for each in part if self.names[each.tag] == "media:title"), "")
        yield Media(address, clean(said.get("type", ""))[:100], bytes_, one_line(title)[:300])

    def _categories(self, found: Found) -> Iterator[str]:
        for each in found.get("category", ()):
            if self.names[each.tag] in table.KEYWORDS:
                yield from _text(each).replace(";", ",").split(",")
            else:
                said = _attributes(each)
                yield (
                    said.get("label")
                    or said.get("term")
                    or right_text(_text_alone(each))
                    or said.get("text")
                    or _text(each)
                )
                yield from self._categories(self._children(each) if len(each) else {})

    def _licence(self, found: Found, links: Links) -> str:
        """An address, or else the words of a note on rights."""
        for each in found.get("licence", ()):
            if text := each.get(f"{_RDF}resource") or _attribute(each, "href") or _text(each):
                return clean(text)
        return self._related(links, "license") or self._first_line(found, "rights")

    def _related(self, links: Links, relation: str) -> str:
        for said, link in links:
            if said.get("href") and relation in said.get("rel", "").lower().split():
                return absolute(self._base(link), said["href"])
        return ""

    def _base(self, element: etree._Element) -> str:
        return self._own_base(element) or self.address

    def _own_base(self, element: etree._Element) -> str:
        """Where relative links start from when the document says so itself, from outside to inside; else ""."""
        if not (self.bases or self.is_cdf):
            return ""
        base, said = self.address, ""
        for each in [*reversed([*element.iterancestors()]), element]:
            written = each.get(f"{_XML}base") or (_attribute(each, "base") if self.is_cdf else "")
            if written and (found := absolute(base, written)):
                base = said = found
        return said


def _named(names: Names, element: etree._Element, wanted: frozenset[str]) -> Iterator[etree._Element]:
    return (child for child in element if names[child.tag] in wanted)


def _links(found: Found) -> Links:
    return [(_attributes(link), link) for link in found.get("link", ())]


def _ordered(element: etree._Element, listed: list[etree._Element]) -> list[etree._Element]:
    """Of several bodies those that hold something, the entry's own before those in a group of media."""
    if len(listed) < 2:
        return listed
    return sorted((each for each in listed if _filled(each)), key=lambda each: each.getparent() is not element)


def _attributes(element: etree._Element) -> dict[str, str]:
    """Its attributes without white space, by their names in lower case: some outlets write HREF or Href."""
    return {name.lower(): value.strip() for name, value in element.items()}


def _attribute(element: etree._Element, name: str) -> str:
    """One of its attributes; "" when it is missing."""
    return (element.get(name) or "").strip() or _attributes(element).get(name.lower(), "")


def _text(element: etree._Element) -> str:
    return right_text("".join(element.itertext()) if len(element) else element.text or "").strip()


def _text_alone(element: etree._Element) -> str:
    return (element.text or "").strip()


def _filled(element: etree._Element) -> bool:
    return bool(len(element) or (element.text and not element.text.isspace()))


def _as_it_stands(element: etree._Element) -> bool:
    """Whether it is what nearly all are: text, and no more to be said of how it is written."""
    return not len(element) and element.get("type") in _PLAINLY and element.get("mode") is None


def _type(element: etree._Element, default: str) -> str:
    kind = element.get("type")
    if kind is None:
        return default
    kind = kind.strip().lower().partition(";")[0]
    return _TYPES.get(kind, kind) or default


def _is_text(kind: str) -> bool:
    """Whether the type is one that can be read as it stands; anything else is written in base64."""
    return kind.startswith("text/") or kind.endswith(("xml", "/html")) or "/" not in kind


def _worth(said: dict[str, str]) -> int:
    """How likely a link with an address among its attributes leads to the article: 0 when it doesn't."""
    relation = said.get("rel", "").lower().rpartition("/")[2] or "alternate"
    if relation != "alternate":
        return 0
    return 2 if (said.get("type", "").lower() or "text/html") in _HTML_LINKS else 1


def _first_date(found: Found, field: str) -> datetime | None:
    for each in found.get(field, ()):
        if moment := read_date(_text(each)):
            return moment
    return None


def _inner(element: etree._Element) -> str:
    """What stands inside an element, as HTML without prefixes."""
    parts = [escape(right_text(element.text or ""), quote=False)]
    for child in element:
        if not isinstance(child.tag, str):
            continue
        plain_child = copy.deepcopy(child)
        for depth, each in enumerate(plain_child.iter(etree.Element)):
            each.tag = each.tag.rpartition("}")[2].rpartition(":")[2]
            if depth > 20_000:
                break
        etree.cleanup_namespaces(plain_child)
        parts.append(etree.tostring(plain_child, encoding="unicode", method="html"))
    return "".join(parts)[:MAX_BODY]


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text
