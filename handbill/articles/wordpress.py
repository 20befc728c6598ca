"""Read a WordPress export (WXR): its published posts, one after the other, without loading all of them. Pure.

Real exports hold bare ampersands, control characters and names without an entity; those are mended before parsing.
Entities, external references and document types are refused (defusedxml).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from handbill.kit.errors import GiveUp
from handbill.kit.text import clean, plain

MOST_BYTES = 256 * 1024 * 1024
MOST_POSTS = 200_000


class WordPressError(GiveUp):
    """The file is no export that can be read; the posts before the fault may have been given."""


@dataclass(frozen=True, slots=True)
class WordPressPost:
    """A published post. ``body_html`` is as hostile as anything from outside: sanitise it before use.

    ``title`` and ``excerpt`` are plain text, ``slug`` as WordPress had it (may be empty), ``published_at`` aware and in
    UTC or None, ``author`` the names as shown to readers, ``categories`` names without tags, ``status`` "publish".
    """

    title: str
    slug: str
    excerpt: str
    body_html: str
    published_at: datetime | None
    author: str
    categories: tuple[str, ...]
    address: str
    status: str


_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13))
_LOOSE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_LOOSE_OUTSIDE = re.compile(rb"<!\[CDATA\[.*?\]\]>|" + _LOOSE.pattern, re.DOTALL)
_BLOCK = re.compile(
    r"<(?:p|div|h[1-6]|ul|ol|li|table|blockquote|figure|pre|section|hr|iframe|form|script|style|!--)\b", re.IGNORECASE
)
_EDITOR_NOTES = re.compile(r"<!--\s*/?wp:[^<>]*-->")
_SHORTCODES = re.compile(
    r"\[/?(?:caption|gallery|embed|audio|video|playlist|wp_caption|contact-form|vc_\w+|et_pb_\w+)\b[^\]]{0,2000}\]"
)
_PARAGRAPH = re.compile(r"\n\s*\n")


def parse_wordpress(data: bytes) -> Iterator[WordPressPost]:
    """The published posts of an export in the order of the file, without pages, drafts, attachments and locked posts.

    Raises WordPressError, also in the middle, when the file is too large, not XML or no export.
    """
    if len(data) > MOST_BYTES:
        raise WordPressError(
            f"The export has {len(data) // 2**20} MiB; the most is {MOST_BYTES // 2**20}. Export it in parts, by year."
        )
    try:
        yield from _posts(io.BytesIO(_mended(data)))
    except ParseError as error:
        line = error.position[0]
        raise WordPressError(
            f"The export breaks off or is not XML at line {line}. Export it from WordPress again."
        ) from error
    except DefusedXmlException as error:
        raise WordPressError(
            "The file declares entities of its own, as no WordPress export does. Export it again."
        ) from error
    except (LookupError, ValueError) as error:
        raise WordPressError("The export's encoding is not known. Save it as UTF-8 and try again.") from error


def _mended(data: bytes) -> bytes:
    """The export as XML should be: no junk before it, no control characters, no bare ampersands."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = re.sub(rb"^<\?xml[^>]*\?>", b"", data.decode("utf-16", "replace").encode())
    data = data.removeprefix(b"\xef\xbb\xbf").translate(None, _CONTROLS).lstrip()
    end = data.rfind(b"]]>") + 3 if b"]]>" in data else 0
    return _LOOSE_OUTSIDE.sub(_escaped, data[:end]) + _LOOSE.sub(b"&amp;", data[end:])


def _escaped(match: re.Match[bytes]) -> bytes:
    return match.group() if match.group().startswith(b"<!") else b"&amp;"


def _posts(file: io.BytesIO) -> Iterator[WordPressPost]:
    channel: Element | None = None
    names: dict[str, str] = {}
    count = 0
    for event, element in iterparse(file, events=("start", "end"), forbid_dtd=False):
        name = _name(element)
        if event == "start":
            channel = element if channel is None and name == "channel" else channel
        elif name == "author" and len(element):
            names[_text(element, "author_login")] = clean(_text(element, "author_display_name"))
        elif name == "item":
            if (post := _post(element, names)) is not None:
                count += 1
                yield post
            if channel is not None:
                channel.clear()
        if count > MOST_POSTS:
            raise WordPressError(f"The export has more than {MOST_POSTS:,} posts. Export it in parts, by year.")
    if channel is None:
        raise WordPressError("The file is no WordPress export: it has no channel. Use Tools, Export in WordPress.")


def _name(element: Element) -> str:
    """The tag without its namespace, whose address differs by version; both "encoded" tags say which they are."""
    space, _, name = str(element.tag).rpartition("}")
    return ("excerpt" if "/excerpt/" in space else "content") if name == "encoded" else name


def _text(parent: Element, wanted: str) -> str:
    return next((child.text or "" for child in parent if _name(child) == wanted), "").strip()


def _post(item: Element, names: dict[str, str]) -> WordPressPost | None:
    if _text(item, "post_type") != "post" or _text(item, "status") != "publish" or _text(item, "post_password"):
        return None
    return WordPressPost(
        title=clean(plain(_text(item, "title"))),
        slug=clean(unquote(_text(item, "post_name"))),
        excerpt=plain(_text(item, "excerpt")),
        body_html=_body(_text(item, "content")),
        published_at=_published(item),
        author=_author(item, names),
        categories=_categories(item, "category"),
        address=_address(_text(item, "link")),
        status="publish",
    )


def _categories(item: Element, domain: str) -> tuple[str, ...]:
    found = (child for child in item if _name(child) == "category" and child.get("domain") == domain)
    return tuple(dict.fromkeys(name for child in found if (name := clean(unescape(child.text or "")))))


def _author(item: Element, names: dict[str, str]) -> str:
    """The authors as readers know them; a login that is an e-mail address is nobody's name."""
    together = _categories(item, "author")
    login = _text(item, "creator")
    alone = names.get(login) or login
    return ", ".join(together) if together else "" if "@" in alone else clean(alone)


def _published(item: Element) -> datetime | None:
    for name, read in (("post_date_gmt", _gmt), ("pubDate", parsedate_to_datetime), ("post_date", _gmt)):
        try:
            at = read(_text(item, name))
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _gmt(text: str) -> datetime:
    at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    if at.year < 1900:
        raise ValueError(text)
    return at


def _address(link: str) -> str:
    return link if link.startswith(("http://", "https://")) else ""


def _body(html: str) -> str:
    """The post's markup without the editor's notes and shortcodes; bare text gets its paragraphs."""
    html = _SHORTCODES.sub("", _EDITOR_NOTES.sub("", html)).replace("\r\n", "\n").strip()
    if "\n" not in html and _BLOCK.match(html):
        return html
    return "\n".join(_paragraph(part.strip()) for part in _PARAGRAPH.split(html) if part.strip())


def _paragraph(part: str) -> str:
    return part if _BLOCK.match(part) or part.startswith("</") else f"<p>{part.replace(chr(10), '<br>')}</p>"
