"""Read and write OPML lists of feeds. Pure: bytes in, outlines out; folders only hold feeds and are not kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from handbill.kit.text import clean, plain, shorten
from handbill.sources.errors import OpmlError

MAX_BYTES = 5 * 1024 * 1024
MAX_OUTLINES = 10_000
MAX_NAME = 200  # what the table holds

_BARE_AMPERSAND = re.compile(rb"&(?!(?:[A-Za-z][A-Za-z0-9]*|#[0-9]+|#[xX][0-9A-Fa-f]+);)")


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of the list, as written: nothing is checked yet. ``name`` may be empty."""

    name: str
    feed_address: str
    site_address: str
    language: str


def read_opml(data: bytes) -> list[Outline]:
    """Every outline that names a feed, in order, however deep it is nested.

    A bare ``&``, common in exported addresses, is mended. Raises OpmlError when the bytes are no OPML, hold entity
    definitions, or are too many.
    """
    if len(data) > MAX_BYTES:
        raise OpmlError(
            f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB. Split the list and import the parts."
        )
    root = _root(data)
    if root.tag.lower() != "opml":
        raise OpmlError(f"The file is no OPML list: it begins with <{root.tag[:40]}>. Export your feeds as OPML.")
    outlines = [outline for element in root.iter() if (outline := _outline(element))]
    if len(outlines) > MAX_OUTLINES:
        raise OpmlError(f"The list holds more than {MAX_OUTLINES} feeds. Split it and import the parts.")
    return outlines


def write_opml(title: str, outlines: Iterable[Outline]) -> bytes:
    """The list as OPML 2.0, in UTF-8, as other readers take it. Control characters, which XML can't hold, go."""
    root = Element("opml", version="2.0")
    SubElement(SubElement(root, "head"), "title").text = clean(title)
    body = SubElement(root, "body")
    for outline in outlines:
        given = {
            "type": "rss",
            "text": outline.name,
            "title": outline.name,
            "xmlUrl": outline.feed_address,
            "htmlUrl": outline.site_address,
            "language": outline.language,
        }
        SubElement(body, "outline", {name: clean(value) for name, value in given.items() if value})
    indent(root)
    written: bytes = tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + written + b"\n"


def _root(data: bytes) -> Element:
    for attempt in (data, _BARE_AMPERSAND.sub(b"&amp;", data)):
        try:
            return fromstring(attempt.strip())
        except DefusedXmlException:
            raise OpmlError(
                "The file defines entities of its own, which is not safe to read. Export it again."
            ) from None
        except (ParseError, ValueError, LookupError) as error:
            reason = error
    raise OpmlError(f"The file is no OPML list: {reason}. Export your feeds as OPML and import that file.") from None


def _outline(element: Element) -> Outline | None:
    """Attribute names are read in any case: exporters disagree."""
    if element.tag.lower() != "outline":
        return None
    given = {name.lower(): value.strip() for name, value in element.attrib.items()}
    address = given.get("xmlurl") or (given.get("url", "") if given.get("type", "").lower() in ("rss", "atom") else "")
    if not address:
        return None
    name = shorten(plain(given.get("title") or given.get("text") or ""), MAX_NAME)
    return Outline(name, address, given.get("htmlurl", ""), given.get("language", ""))
