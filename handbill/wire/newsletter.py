"""Read a newsletter: one mail becomes one entry, without what concerns only its recipient. Pure.

Left out are the recipient's own links (to leave the list, to change wishes, to read online under a personal address),
the pixels and counting links that report who reads, the preview text that no reader sees, and the list's footer.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses
from html import escape
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from lxml import etree

from handbill.kit.text import clean, plain
from handbill.kit.urls import resolve_link
from handbill.wire.dates import read_date
from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_BODY, MAX_BYTES, make_entry, without_parameters
from handbill.wire.read import clean_entry
from handbill.wire.records import CleanEntry, Entry
from handbill.wire.tree import page_text, page_tree, seen_text

FOOTER_TEXT = 400  # characters of a block that goes altogether when it holds a link to leave the list
LONGEST_LABEL = 90  # characters; a longer link text is a headline
MAX_LINKS = 400  # of a mail, read; further ones lose their target
CLIMB = 6  # ancestors looked at
FOOTER_ELEMENTS = 200  # elements in such a block, at most
FOOTER_LINES = 25  # of a plain text's end that may be the list's footer

_LEAVE = re.compile(
    r"unsub|\bopt[ -]?out\b"
    r"|(manage|update|change|edit) (your |my )?(e-?mail )?(preferences|settings|profile|subscription)"
    r"|(e-?mail|subscription) (preferences|settings)|^forward (to|this)|no longer (wish|want) to receive|remove me\b"
    r"|\babmelden|abbestell|aus dem verteiler|désabonn|désinscri|se désins|gérer (vos|mes) préférences"
    r"|darse de baja|cancelar (la |su |tu )?(suscripci|inscri|assinatura)|anular suscrip|disiscriv"
    r"|(cancella(re)?|annulla) iscrizione|uitschrijv|\bafmeld|avregistrera|avsluta prenumeration|meld deg av"
    r"|peru(uta)? tilau|wypisz|rezygnuj|odhlásit|leiratkoz|abonelikten|dezabon|отписа|відписа|отпиша|διαγραφ"
    r"|退订|取消订阅|退訂|配信停止|購読解除|수신거부|구독 ?취소|إلغاء الاشتراك|لغو اشتراک|^הסר|ביטול הרשמה",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"\W*(click )?(here|this link)\W*|\W*(hier( klicken)?|ici|cliquez ici|aquí|aqui|qui|здесь|こちら)\W*", re.I
)
_LEAVE_ADDRESS = re.compile(
    r"unsubscri|optout|opt-out|list-manage\.com/(profile|vcard|unsub)|/preferences?\b|email[_-]?settings|manage[_-]sub"
    r"|forward-to-a-friend|abmeld|desabon|desinscri|disable_email|action/disable",
    re.IGNORECASE,
)
_ONLINE = re.compile(
    r"(view|read|open|see)\b.{0,30}\b(in|on|with) (your |a |the )?(web ?)?(browser|app|web|site)\b"
    r"|trouble (view|read)ing|^(web|online)[ -]?version\b|im browser\b"
    r"|(view|read|see) ((it|this)( e-?mail| message| newsletter)? )?online\b"
    r"|online (ansehen|lesen)|onlineversie|version (en ligne|web)"
    r"|(dans|en|in|nel|no) (votre |le |el |tu |su |il )?navig"
    r"|webbläsare|nettleser|в браузере|浏览器|ブラウザ|브라우저|المتصفح",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"^(click|clicks|track|tracking|trk|link|links|lnk|email|mailer|e|t|ct|url\d*|r\.email)\.|\.(list-manage|sendgrid|mailgun"
    r"|mjt|sendibm\d|hubspotlinks|createsend\d*|cmail\d*|rs6|exacttarget|mandrillapp|beehiiv)\.\w+$",
    re.IGNORECASE,
)
_COUNTING_PATH = re.compile(
    r"/(ls|track|trk|wf)/(click|open)|/track(ing)?/|/redirect/|/CL0/|/e3t/|/c/[A-Za-z0-9_-]{20,}"
)
_PERSONAL = re.compile(
    r"utm_\w+|mc_[ce]id|token|e|uid|u?id_?hash|r|email|e-?mail|subscriber(_?id)?|recipient|contact|_hs\w+|fbclid|ck_subscriber_id"
    r"|vero_id|jwt|isFreemail|publication_id|post_id|s",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_=.~%+]{20,}|[A-Za-z0-9_=-]{40,}")
_MAIL_ADDRESS = re.compile(r"[^\s/@]+(@|%40)[^\s/@]+\.[^\s/@]+", re.IGNORECASE)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|max-height\s*:\s*0|font-size\s*:\s*0(px|;|$)|opacity\s*:\s*0\s*(;|$)",
    re.IGNORECASE,
)
_PIXEL = re.compile(r"/(open|pixel|beacon|o|wf/open|track)([./?]|$)|[?&](open|pixel)=", re.IGNORECASE)
_SMALL = re.compile(r"\s*[0-3](px)?\s*")
_SMALL_STYLE = re.compile(r"(^|;)\s*(width|height)\s*:\s*[0-3](px)?\s*(;|$)", re.IGNORECASE)
_BLOCKS = frozenset({"p", "td", "div", "li", "center", "footer"})
_RULE = re.compile(r"^(-- ?|_{10,}|-{10,}|={10,}|\*{10,})$")
_LINK = re.compile(r"https?://[^\s<>\"')\]]{4,2000}")


KEY = re.compile(r"[0-9a-f]{16}")
"""The part of the newsroom's reading address by which a newsletter's source is known; as secret as the address."""


def read_newsletter(data: bytes) -> CleanEntry:
    """The entry that a whole mail gives, made safe. Raises FeedError as ``parse_newsletter`` does."""
    entry = clean_entry(parse_newsletter(data), "")
    readers = _own_words(message_from_bytes(data, policy=policy.default))
    return replace(entry, text=_without(entry.text, readers))


def parse_newsletter(data: bytes) -> Entry:
    """The entry that a whole mail gives: ``data`` is the message as it came, headers first.

    The subject is its title, the sender's name (never the address) its author, the Message-ID its id, and where it can
    be read online without a personal token its address. The body is markup, hostile still. Raises FeedError, and
    nothing else, when the bytes are no mail with something to read.
    """
    if len(data) > MAX_BYTES:
        raise FeedError(f"This mail is larger than {MAX_BYTES // 1048576} MiB. Ask the outlet for a shorter one.")
    try:
        return _entry(message_from_bytes(data, policy=policy.default))
    except FeedError:
        raise
    except Exception as error:  # the standard library's reading of strangers' headers
        raise FeedError(f"This mail can't be read: it is broken beyond repair ({type(error).__name__}).") from error


def _entry(mail: EmailMessage) -> Entry:
    own = _own_words(mail)
    markup, online = _body(mail)
    markup = _without(markup, own)
    title = clean(_without(_header(mail, "Subject"), own))
    if not title and not plain(markup):
        raise FeedError("This mail holds nothing to read: it has neither a subject nor a text.")
    moment = read_date(_header(mail, "Date"))
    own_id = clean(_header(mail, "Message-ID")) or f"{moment or ''} {title}"
    return make_entry(
        id=own_id,
        address=_without(_public(_header(mail, "Archived-At").strip(" <>")) or _public(online), own),
        title=title or plain(markup)[:100],
        authors=(_without(_sender(mail), own),),
        language=_header(mail, "Content-Language"),
        content=markup,
        published=moment,
    )


def _header(mail: EmailMessage, name: str) -> str:
    """A header's text; "" where it is missing or the library can't read it."""
    try:
        return str(mail.get(name) or "")
    except Exception:
        return ""


def _sender(mail: EmailMessage) -> str:
    """The name the sender goes by. An address, or a name that is one, is nobody's business."""
    try:
        addresses: tuple[Address, ...] = mail["From"].addresses
    except Exception:
        return ""
    names = (clean(address.display_name) for address in addresses)
    return next((name for name in names if name and "@" not in name), "")


def _body(mail: EmailMessage) -> tuple[str, str]:
    """The mail's markup without what is the recipient's, and the address at which it can be read online."""
    part = mail.get_body(preferencelist=("html", "plain"))
    if part is None:
        return "", ""
    payload: Any = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or not payload.strip():
        return "", ""
    text = page_text(payload, str(part.get("Content-Type", "")))
    leave = set(_LINK.findall(_header(mail, "List-Unsubscribe")))
    if part.get_content_subtype() == "html":
        markup, online = _cleaned(text, leave)
    else:
        markup, online = _paragraphs(text, leave), ""
    return markup, online


def _own_words(mail: EmailMessage) -> re.Pattern[str] | None:
    """What names the reader of this mail: the addresses it came to, however written. Letters like to repeat them."""
    fields = [_header(mail, name) for name in ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")]
    readers = {address for _, address in getaddresses(fields)[:20] if len(address) > 5 and "@" in address.strip("@")}
    keys = {key for reader in readers if KEY.fullmatch(key := reader.partition("@")[0].rpartition("+")[2])}
    words = {form for word in readers | keys for form in _forms(word)}
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile("|".join(re.escape(word) for word in longest_first), re.IGNORECASE) if words else None


def _forms(word: str) -> tuple[str, ...]:
    coded = quote(word, safe="")
    hidden = b64encode(word.encode("utf-8", "replace")).decode().rstrip("=")
    return word, coded, quote(coded, safe=""), escape(word), hidden, hidden.replace("+", "-").replace("/", "_")


def _without(text: str, words: re.Pattern[str] | None) -> str:
    return words.sub("", text) if words else text


def _cleaned(markup: str, leave: set[str]) -> tuple[str, str]:
    tree = page_tree(markup)
    online = _online(tree)
    for element in [node for node in tree.iter() if _is_unseen(node)]:
        _remove(element)
    anchors = list(tree.iter("a"))
    for anchor in anchors[:MAX_LINKS]:
        _mend_link(anchor, leave)
    for anchor in anchors[MAX_LINKS:]:
        anchor.attrib.pop("href", None)
    body = tree.find("body")
    whole = tree if body is None else body
    inner = [escape(whole.text or "", quote=False)]
    inner += [etree.tostring(child, method="html", encoding="unicode") for child in whole]
    return "".join(inner).strip()[:MAX_BODY], online


def _online(tree: etree._Element) -> str:
    for anchor, _ in zip(tree.iter("a"), range(MAX_LINKS), strict=False):
        says, link = seen_text(anchor), anchor.get("href") or ""
        if len(says) <= LONGEST_LABEL and _ONLINE.search(says) and not _LEAVE_ADDRESS.search(link):
            return link
    return ""


def _is_unseen(node: etree._Element) -> bool:
    """Whether no reader sees it: preview text, a pixel, a style."""
    if node.tag in ("style", "script", "title", "link", "meta"):
        return True
    style = node.get("style") or ""
    if node.tag != "img":
        return node.tag not in ("html", "body") and bool(_HIDDEN.search(style))
    tiny = any(_SMALL.fullmatch(node.get(side) or "9") for side in ("width", "height"))
    return bool(tiny or _SMALL_STYLE.search(style) or _HIDDEN.search(style) or _PIXEL.search(node.get("src") or ""))


def _mend_link(anchor: etree._Element, leave: set[str]) -> None:
    """Take away a link that is the recipient's own, with its block where that is all it says; straighten the others."""
    link = (anchor.get("href") or "").strip()
    if _is_own(anchor, leave):
        _remove(_footer(anchor, leave))
    elif link:
        straight = _straight(link)
        if straight:
            anchor.set("href", straight)
        else:
            anchor.attrib.pop("href")


def _footer(anchor: etree._Element, leave: set[str]) -> etree._Element:
    """The paragraph or cell around the link, when it is as short as a footer and holds no other link; else the link."""
    for node, _ in zip(anchor.iterancestors(), range(CLIMB), strict=False):
        inside = list(islice(node.iter(), FOOTER_ELEMENTS))
        if node.tag in ("body", "html") or len(inside) == FOOTER_ELEMENTS or len(seen_text(node)) > FOOTER_TEXT:
            break
        if any(each.tag in ("h1", "h2", "h3") for each in inside):
            break
        if any(not _is_own(each, leave) for each in node.iter("a")):
            break
        if node.tag in _BLOCKS:
            return node
    return anchor


def _is_own(anchor: etree._Element, leave: set[str]) -> bool:
    """Whether a link is the recipient's: to leave, to change wishes, to read this mail online. Headlines are longer."""
    says, link = seen_text(anchor), (anchor.get("href") or "").strip()
    if link in leave or _LEAVE_ADDRESS.search(link):
        return True
    if _HERE.fullmatch(says) and anchor.getparent() is not None:
        says = seen_text(anchor.getparent())
        return len(says) <= FOOTER_TEXT and bool(_LEAVE.search(says) or _ONLINE.search(says))
    return len(says) <= LONGEST_LABEL and bool(_LEAVE.search(says) or _ONLINE.search(says))


def _remove(element: etree._Element) -> None:
    """Take the element out, and leave the text that follows it."""
    parent = element.getparent()
    if parent is None:
        return
    previous = element.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)


def _straight(link: str) -> str:
    """The link itself where a counting one names it openly, "" where the counting one hides it."""
    address = resolve_link("", link)
    if not address:
        return link if link.lower().startswith("mailto:") else ""
    parts = urlsplit(address)
    counted = _COUNTED.search(parts.hostname or "") or _COUNTING_PATH.search(parts.path)
    for _, value in parse_qsl(parts.query)[:30] if counted else ():
        if value.startswith(("http://", "https://")) and (inside := resolve_link("", value)):
            return without_parameters(inside, _PERSONAL)
    return "" if counted else without_parameters(address, _PERSONAL)


def _public(link: str) -> str:
    """An address fit to be named as the source: without personal parts, "" when a token may be left in it."""
    address = _straight(link) if link else ""
    parts = urlsplit(address)
    pieces = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    personal = any(_TOKEN.fullmatch(piece) or _MAIL_ADDRESS.search(piece) for piece in pieces)
    return address if parts.scheme in ("http", "https") and not personal else ""


def _paragraphs(text: str, leave: set[str]) -> str:
    """A plain text's paragraphs as markup, without the list's footer and the lines that are the recipient's own."""
    lines = [line for line in _without_footer(text.replace("\r\n", "\n").split("\n")) if not _is_own_line(line, leave)]
    blocks = re.split(r"\n\s*\n", "\n".join(lines)[:MAX_BODY])
    return "".join(f"<p>{_linked(block.strip())}</p>" for block in blocks if block.strip())


def _without_footer(lines: list[str]) -> list[str]:
    """The lines before the last rule near the end, when what follows it speaks of the list."""
    for index in range(max(len(lines) - FOOTER_LINES, 1), len(lines)):
        rest = "\n".join(lines[index:])
        if _RULE.match(lines[index].strip("\r")) and (_LEAVE.search(rest) or "mailman/listinfo" in rest):
            return lines[:index]
    return lines


def _is_own_line(line: str, leave: set[str]) -> bool:
    links = _LINK.findall(line)
    return any(link in leave or _LEAVE_ADDRESS.search(link) for link in links) or (
        len(line) <= 200 and bool(_LEAVE.search(line)) and (bool(links) or "@" in line or line.rstrip().endswith(":"))
    )


def _linked(block: str) -> str:
    """A paragraph's text as markup: its addresses become links without what counts or names the reader."""
    return "<br>".join("".join(_pieces(line)) for line in block.split("\n"))


def _pieces(line: str) -> Iterator[str]:
    position = 0
    for match in _LINK.finditer(line):
        yield escape(line[position : match.start()], quote=False)
        link = match.group().rstrip(".,;:!?")
        if straight := _straight(link):
            yield f'<a href="{escape(straight)}">{escape(straight, quote=False)}</a>'
        position = match.start() + len(link)
    yield escape(line[position:], quote=False)
