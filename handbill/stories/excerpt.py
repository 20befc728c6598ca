"""Choose the excerpt of a report: its own first sentences, whole, about 100 words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from handbill.kit.text import sentences, word_count

READ_CHARACTERS = 20_000  # an excerpt stands at the beginning
_LONGEST_LINE = 25  # words; a longer paragraph is told, whatever it begins with

# How lines begin that no outlet wrote to be quoted: offers, links to elsewhere. As regular expressions.
_OFFERS = (
    "subscribe (?:now|today|to|here|for)",
    "sign up (?:now|today|for|to|here)",
    "(?:sign|log) in to",
    "register (?:now|here|for free)",
    "join (?:us|our|the newsletter)",
    "get (?:our|the) (?:\\w+ )?newsletter",
    "become an? (?:\\w+ )?(?:member|subscriber)",
    "support (?:us|our|independent)",
    "donate (?:now|today|here)",
    "follow us",
    "share (?:this|on|via)",
    "download (?:our|the) app",
    "enter your e-?mail",
    "thank you for (?:signing|subscribing|reading)",
    "this (?:post|article) is for (?:paid|paying)",
    "click here",
    "read (?:more|also|next|on\\b|the full)",
    "(?:continue|keep) reading",
    "see also\\b",
    "related (?:stories|articles|news|:)",
    "more (?:on this|from|like this|stories)",
    "you may also",
    "the post .{1,200}appeared first on",
    "all rights reserved",
    "skip to (?:main )?content",
    "leave a comment",
    "comments are closed",
    "filed under",
    "jetzt (?:abonnieren|anmelden|lesen|registrieren)",
    "melden sie sich .{0,60}an\\b",
    "abonnieren sie",
    "hier (?:klicken|anmelden|abonnieren)",
    "(?:weiterlesen|mehr (?:dazu|zum thema|lesen))",
    "lesen sie (?:auch|mehr|weiter|hier)",
    "das könnte sie",
    "folgen sie uns",
    "alle rechte vorbehalten",
    "(?:ال)?(?:اشترك|اشتركوا|سجل الآن|سجّل الآن|انضم إلي|انضم إلى نشرتنا|تابعنا|تابعونا)",
    "(?:اقرأ|إقرأ|اقرؤوا) (?:أيضا|أيضاً|أيضًا|المزيد|كذلك)",
    "(?:للمزيد|المزيد من|جميع الحقوق|انقر هنا|اضغط هنا)",
    "(?:abonnez-vous|inscrivez-vous|lire aussi|lire la suite|à lire aussi)",
    "(?:suscríbe|suscribe|lee también|leer más)",
    "(?:подписывайтесь|подпишитесь|читайте также|підпишіться|підписуйтесь|читайте також)",
)
_CREDITS = (
    "photo(?:graph)?s?(?: credit| by)?",
    "image(?:s| credit)?",
    "picture",
    "credit",
    "caption",
    "tags?",
    "categories",
    "foto",
    "fotos",
    "bild",
    "bildquelle",
    "quelle",
    "صورة",
    "الصورة",
    "تصوير",
    "фото",
)
_LONE = (
    "subscribe|sign up|newsletter|advertisement|sponsored|recommended|related|loading|share|comments?|copyright"
    "|getty images|file photo|anzeige|werbung|abonnieren|teilen|إعلان|إعلانات|شارك|publicité|publicidad|реклама"
)
_BOILERPLATE = re.compile(
    rf"^\W*(?:(?:{'|'.join(_OFFERS)})|(?:{'|'.join(_CREDITS)})\s*[:©/]|photos? by\b|©|(?:{_LONE})\W*$)", re.IGNORECASE
)
_OUR_OFFER = re.compile(
    r"\b(?:our|unseren|unserem) (?:\w+ ){0,3}newsletter\b|\bnewsletter (?:abonnieren|anmelden)|نشرتنا", re.IGNORECASE
)
_ENDS = re.compile(r"[.!?…‽؟۔।॥։።။។。！？｡．][\"'”’»«›‹)\]}›」』）】》〉]*$")
_LEANS = re.compile(r"(?:^|\s)(?:EE|janv|févr|avr|juil|déc|Mgr|Dña|Uds?|núm|ene|abr|ago|dic|гг?\. до н|акад|проф)\.$")
_GOES_ON = re.compile(r"[–—-]\s*(?=[^\W\d_])(?![A-ZÀ-ÖØ-ÞА-ЯЁ])")
_CLAUSE = re.compile(r"[,;:،؛、，；：]|\s[–—-]\s")


def excerpt(text: str, *, target: int = 100, most: int = 140) -> str:
    """The first whole sentences of ``text`` up to about ``target`` words and never over ``most``; "" if it has none.

    Stops where another sentence would take it further from ``target``. Always ends with a sentence, or, when the
    first one alone is longer than ``most``, after a clause or word with an ellipsis. Datelines stay; offers, picture
    credits and links to elsewhere are left out. Scripts without spaces count two characters as a word.
    """
    most = max(most, 1)
    target = min(target, most)
    chosen: list[str] = []
    length = 0
    for sentence in _quotable(text[:READ_CHARACTERS]):
        more = word_count(sentence)
        if chosen and (length + more > most or length + more - target > target - length):
            break
        if more > most:
            return _cut(sentence, most)
        chosen.append(sentence)
        length += more
        if length >= target:
            break
    return _joined(chosen)


def _quotable(text: str) -> Iterator[str]:
    """The whole sentences worth quoting, read no further than asked; without one, the first line with an ellipsis."""
    unfinished, whole = "", False
    for block in _blocks(text):
        for sentence in _whole(block):
            if not word_count(sentence[:200]) or _is_boilerplate(sentence) or _is_offer(sentence):
                continue
            if _ENDS.search(sentence):
                whole = True
                yield sentence
            unfinished = unfinished or sentence
    if unfinished and not whole:
        yield f"{unfinished.rstrip(' ,;:–—-')}…"


def _whole(block: str) -> Iterator[str]:
    """The sentences of a block; one that stops at an abbreviation, or goes on after a dash of speech, is one."""
    held = ""
    for sentence in sentences(block):
        if held and not (_LEANS.search(held) or _GOES_ON.match(sentence)):
            yield held
            held = ""
        held = f"{held} {sentence}" if held else sentence
    if held:
        yield held


def _blocks(text: str) -> Iterator[str]:
    """Runs of lines between empty lines and boilerplate."""
    block: list[str] = []
    for line in text.splitlines():
        if line.strip() and not _is_boilerplate(line):
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


def _is_boilerplate(line: str) -> bool:
    return bool(_BOILERPLATE.search(line)) and word_count(line[:400]) <= _LONGEST_LINE


def _is_offer(sentence: str) -> bool:
    if len(sentence) >= 300 or not ("newsletter" in sentence.casefold() or "نشرتنا" in sentence):
        return False
    return bool(_OUR_OFFER.search(sentence))


def _joined(chosen: list[str]) -> str:
    text = ""
    for sentence in chosen:
        text += sentence if not text or text[-1] in "。！？」』）｡．" else f" {sentence}"
    return text


def _cut(sentence: str, most: int) -> str:
    """The sentence's longest beginning within ``most`` words: after a clause if that keeps half of it, else a word."""
    low, high = 0, len(sentence)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if word_count(sentence[:middle]) <= most else (low, middle - 1)
    head = sentence[:low]
    if low < len(sentence) and " " in head and not sentence[low].isspace():
        head = head.rpartition(" ")[0]
    clauses = [m.start() for m in _CLAUSE.finditer(head) if m.start() * 2 > len(head)]
    head = head[: clauses[-1]] if clauses else head
    return head.rstrip(" ,;:،؛、，；：–—-") + "…"
