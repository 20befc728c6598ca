"""Read a feed from its document's tree: RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, and CDF. Pure.

One reader for all of them: outlets mix the formats' elements, and the tables in ``wire.names`` say what each means.
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape, unescape

from lxml import etree

from handbill.kit.text import clean
from handbill.wire import names as table
from handbill.wire.dates import read_date
from handbill.wire.make import MAX_BODY, MAX_ENTRIES, absolute, literal_line, make_entry, make_feed, one_line
from handbill.wire.mend import right_text
from handbill.wire.names import Names
from handbill.wire.records import Entry, Media, ParsedFeed

MAX_DEPTH = 200  # elements of a body written as XML; what is deeper is read as text

_XML = "{http://www.w3.org/XML/1998/namespace}"
_LANG = f"{_XML}lang"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_HTML_LINKS = frozenset({"text/html", "application/xhtml+xml", "html", "xhtml"})
_TYPES = {"": "", "text": "text/plain", "plain": "text/plain", "html": "text/html", "xhtml": "application/xhtml+xml"}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_BYTES = "application/octet-stream"

Found = dict[str, list[etree._Element]]


class TreeReader:
    """Reads one document; ``address`` is where it came from."""

    def __init__(self, root: etree._Element, address: str) -> None:
        self.names = Names(root)
        self.root, self.address = root, address
        self.is_atom = self.names[root.tag] == "feed"
        self.is_cdf = self.names[root.tag] == "channel"
        self.bases = any(True for _ in root.iterfind(f".//*[@{_XML}base]")) or root.get(f"{_XML}base") is not None

    def read(self) -> ParsedFeed:
        """The feed and its first 500 entries, in the document's order."""
        channel = self._channel()
        head = self._children(channel)
        self.language = self._language(head, []) or self._language({}, [channel, self.root])
        self.licence = self._licence(head)
        self.authors = tuple(self._authors(head)) if self.is_atom else ()
        links = [link for link in head.get("link", ()) if _attribute(link, "rel")]
        return make_feed(
            self._title(head),
            self.language,
            absolute(self.address, self._link(channel, head)[0]),
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

    def _children(self, element: etree._Element) -> Found:
        """Its children by name; those of a group of media stand beside it."""
        found: Found = {}
        for child in element:
            name = self.names[child.tag]
            found.setdefault(name, []).append(child)
            if name.startswith("media:") and len(child):
                for inner, elements in self._children(child).items():
                    if name == "media:group" or inner == "media:thumbnail":  # what else a picture holds is its caption
                        found.setdefault(inner, []).extend(elements)
        return found

    def _entry(self, element: etree._Element) -> Entry:
        found = self._children(element)
        own_id, as_link = self._id(element, found)
        written, base = self._link(element, found)
        if not written and as_link:
            written, base = own_id, self._base(element)
        summary, content = self._bodies(element, found)
        published, updated = _dates(found)
        bodies = [part for part in (content, summary) if part is not None]
        return make_entry(
            id=own_id,
            address=absolute(base, written),
            link=clean(written),
            title=self._title(found),
            authors=[*self._authors(found)] or self.authors,
            language=self._language(found, [*bodies, element]) or self.language,
            categories=_categories(found, self.names, element),
            summary="" if summary is None else self._markup(summary),
            content="" if content is None else self._markup(content),
            published=published,
            updated=updated or _date(_attribute(element, "lastmod") if self.is_cdf else ""),
            base=self._own_base(bodies[0] if bodies else element),
            media=self._media(element, found),
            licence=self._licence(found) or self.licence,
        )

    def _title(self, found: Found) -> str:
        return self._first_line(found, table.TITLES)

    def _first_line(self, found: Found, wanted: tuple[str, ...]) -> str:
        for each in _elements(found, wanted):
            if text := self._line(each):
                return text
        return ""

    def _line(self, element: etree._Element) -> str:
        """A title as plain text. Atom says whether it is markup; elsewhere outlets write what they like."""
        kind = _type(element, "text/plain")
        if len(element) == 0 and kind == "text/plain" and self.is_atom and element.get("mode") != "base64":
            return literal_line(right_text(element.text or ""))
        return one_line(self._markup(element))

    def _id(self, element: etree._Element, found: Found) -> tuple[str, bool]:
        """The entry's own id, and whether it is also its address."""
        for each in _latest(found, table.IDS):
            if text := _text(each):
                permanent = _attribute(each, "isPermaLink").lower() != "false"
                whole = self._own_base(each) if permanent else ""
                text = absolute(whole, text) or text if whole else text
                return clean(text), permanent and text.startswith(("http://", "https://", "/"))
        return clean(element.get(f"{_RDF}about") or element.get("about") or ""), False

    def _link(self, element: etree._Element, found: Found) -> tuple[str, str]:
        """The link to the article itself, as it was written, and the base it starts from."""
        best, rank, where = "", 0, element
        for link in found.get("link", ()):
            href = _attribute(link, "href") or _attribute(link, "url")
            text = href or _text(link).replace("&amp;", "&")
            worth = _worth(link) if href else 3
            if text and worth and worth >= rank:
                best, rank, where = text, worth, link
        if not best:
            best = next((href for part in [element, *found.get("a", ())] if (href := _attribute(part, "href"))), "")
        return best, self._base(where)

    def _bodies(self, element: etree._Element, found: Found) -> tuple[etree._Element | None, etree._Element | None]:
        """The elements of summary and content: of two summaries the second is the content where there is no other."""
        told = self._ordered(element, found, table.SUMMARIES)
        whole = self._ordered(element, found, table.CONTENTS)
        content = next((each for each in whole if _is_text(each) or _type(each, "") == _BYTES), None)
        if content is None:
            content = next((each for each in told[1:] if _text(each) != _text(told[0])), None)
        return (told[0] if told else None), content

    def _ordered(self, element: etree._Element, found: Found, wanted: frozenset[str]) -> list[etree._Element]:
        several = [name for name in found if name in wanted]
        if not several:
            return []
        if len(several) == 1:
            listed = found[several[0]]
            return listed if len(listed) == 1 else [each for each in listed if _filled(each)]
        own = [child for child in element if self.names[child.tag] in wanted]
        inner = [each for name in several for each in found[name] if each.getparent() is not element]
        return [each for each in own + inner if _filled(each)]

    def _markup(self, element: etree._Element) -> str:
        """A body as markup, by its type: text escaped, markup as it is, and elements written out."""
        kind = _type(element, "text/html" if self.names[element.tag] in _MARKED else "text/plain")
        if len(element):
            return _inner(element)
        text = right_text(element.text or "")
        if element.get("mode") == "base64" or not _is_text(element):
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
        said = _elements(found, table.LANGUAGES)
        return _text(said[0]) if said else ""

    def _authors(self, found: Found) -> Iterator[str]:
        for element in _elements(found, table.AUTHORS) or _elements(found, table.SPEAKERS):
            if not len(element):
                yield _text(element)
                continue
            parts = {self.names[child.tag].rpartition(":")[2]: _text(child) for child in element}
            yield parts.get("name") or parts.get("email") or ""

    def _media(self, element: etree._Element, found: Found) -> Iterator[Media]:
        links = [link for link in found.get("link", ()) if _attribute(link, "rel") == "enclosure"]
        for part in [*found.get("enclosure", ()), *links, *found.get("media:content", ())]:
            yield from self._medium(part, _attribute(part, "type"))
        for part in found.get("media:thumbnail", ()):
            yield from self._medium(part, "image/*" if not _attribute(part, "type") else _attribute(part, "type"))

    def _medium(self, part: etree._Element, kind: str) -> Iterator[Media]:
        written = _attribute(part, "url") or _attribute(part, "href") or _text_alone(part)
        size = _attribute(part, "length") or _attribute(part, "fileSize")
        title = _attribute(part, "title") or next(
            (_text(child) for child in part if self.names[child.tag] == "media:title"), ""
        )
        address = absolute(self._base(part), written)
        if address.startswith(("http://", "https://")):
            bytes_ = int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None
            yield Media(address, clean(kind)[:100], bytes_, one_line(title)[:300])

    def _licence(self, found: Found) -> str:
        """An address, or else the words of a note on rights."""
        for each in _elements(found, table.LICENCES):
            if text := each.get(f"{_RDF}resource") or _attribute(each, "href") or _text(each):
                return clean(text)
        return self._related(found.get("link", ()), "license") or self._first_line(found, table.RIGHTS)

    def _related(self, links: Iterable[etree._Element], relation: str) -> str:
        for link in links:
            said = _attribute(link, "rel")
            if said and relation in said.lower().split() and (href := _attribute(link, "href")):
                return absolute(self._base(link), href)
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


_MARKED = frozenset(
    {"description", "dc:description", "media:description", "content:encoded", "fullitem", "body"}
    | {"xhtml:body", "xhtml:div"}
)


def _named(names: Names, element: etree._Element, wanted: frozenset[str]) -> Iterator[etree._Element]:
    return (child for child in element if names[child.tag] in wanted)


def _elements(found: Found, wanted: tuple[str, ...]) -> list[etree._Element]:
    """The elements of these names, the likeliest name first, and those of one name in the document's order."""
    return [each for name in wanted if name in found for each in found[name]]


def _latest(found: Found, wanted: tuple[str, ...]) -> list[etree._Element]:
    """The same, but those of one name from the last: outlets correct a date or an id by adding another."""
    return [each for name in wanted if name in found for each in reversed(found[name])]


def _attribute(element: etree._Element, name: str) -> str:
    """An attribute's value without white space, its name as given, or as HREF, or as Href; "" when it is missing."""
    value = element.get(name)
    if value is None and element.attrib:
        value = element.get(name.upper()) or element.get(name.title())
    return value.strip() if value else ""


def _text(element: etree._Element) -> str:
    return right_text("".join(element.itertext()) if len(element) else element.text or "").strip()


def _text_alone(element: etree._Element) -> str:
    return (element.text or "").strip()


def _filled(element: etree._Element) -> bool:
    return bool(len(element) or (element.text and not element.text.isspace()))


def _type(element: etree._Element, default: str) -> str:
    kind = element.get("type")
    if kind is None:
        return default
    kind = kind.strip().lower().partition(";")[0]
    return _TYPES.get(kind, kind) or default


def _is_text(element: etree._Element) -> bool:
    """Whether its type is one that can be read as it stands; anything else is written in base64."""
    kind = _type(element, "text/plain")
    return kind.startswith("text/") or kind.endswith(("xml", "/html")) or "/" not in kind


def _worth(link: etree._Element) -> int:
    """How likely a link with an address in an attribute leads to the article: 0 when it doesn't."""
    relation = _attribute(link, "rel").lower().rpartition("/")[2] or "alternate"
    if relation != "alternate":
        return 0
    kind = _attribute(link, "type").lower() or "text/html"
    return 2 if kind in _HTML_LINKS else 1


def _dates(found: Found) -> tuple[datetime | None, datetime | None]:
    """When it was published, or else made, and when it was changed."""
    published = _first_date(found, table.PUBLISHED)
    return published, _first_date(found, table.UPDATED)


def _first_date(found: Found, wanted: tuple[str, ...]) -> datetime | None:
    for each in _latest(found, wanted):
        if moment := _date(_text(each)):
            return moment
    return None


def _date(text: str) -> datetime | None:
    return read_date(text) if text else None


def _categories(found: Found, names: Names, element: etree._Element) -> Iterator[str]:
    for name in found:
        if name in table.CATEGORIES:
            for each in found[name]:
                yield _attribute(each, "label") or _attribute(each, "term") or _text(each)
        elif name in table.KEYWORDS:
            for each in found[name]:
                yield from _text(each).replace(";", ",").split(",")


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
