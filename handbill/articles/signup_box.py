"""Tell the sign-up box at the end of a saved archive page from the last article. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol


class Line(Protocol):
    """A line of text; ``gap`` says that a blank line stands before it."""

    @property
    def text(self) -> str: ...

    @property
    def gap(self) -> bool: ...


MOST_LINES = 24  # a box is no longer than this
MOST_BETWEEN = 2
LONGEST_INVITATION = 200  # characters

# A whole line that only a form says: fields, buttons, counters, what a script left behind.
_FORMS = (
    "subscribed?(?: now| today| here| for free)?",
    "sign (?:me )?up(?: now| today| here| for free)?",
    "(?:sign|log) in",
    "join(?: us| now| for free)?",
    "submit",
    "follow",
    "(?:(?:your|enter your|type your|add your) )?e-?mail(?: address)?(?: \\(required\\)| here| required)?",
    "(?:enter|type|add) your e-?mail.{0,80}",
    "(?:(?:your|first|last) )?name",
    r"join [\d.,\s]+[km]?\+?\s?(?:other )?(?:subscribers|readers|followers|others|people)(?: .{0,40})?",
    r"[\d.,\s]+[km]? (?:subscribers|readers)",
    "loading",
    "δ",
    "required",
    "continue reading",
    "already have a wordpress.{0,60}",
    "abonnieren|anmelden|jetzt (?:abonnieren|anmelden)",
    "(?:(?:deine|ihre) )?e-?mail-?\\s?adresse.{0,30}",
    "s['’]abonner|suscribirse|correo electrónico|adresse e-?mail",
    "اشترك(?: الآن)?|اشتراك|سجل|البريد الإلكتروني|بريدك الإلكتروني",
)
_FORM = re.compile(rf"\W*(?:{'|'.join(_FORMS)})\W*", re.IGNORECASE)
# How a line begins that invites to the form below it.
_INVITATIONS = (
    "discover more from",
    "subscribe (?:to|now to|for)",
    "sign up (?:for|to|and|now|with)",
    "join (?:our|the|us|thousands|\\d)",
    "get (?:the|our|new|all|every|a) .{0,80}(?:inbox|e-?mail|letter|day|morning|week)",
    "(?:enter|add|type|leave|give us) your (?:e-?mail|address|name)",
    "never miss",
    "don['’]?t miss (?:a|an|our|the next)",
    "stay (?:informed|in the loop|in touch|up to date|connected)",
    "keep (?:up with|in touch)",
    "(?:one|a) (?:letter|mail|e-?mail) (?:a|every|each|per) (?:day|week|morning)",
    "(?:we (?:don['’]t|never|won['’]t)|no) spam",
    "you can (?:leave|unsubscribe|opt out)",
    "unsubscribe",
    "by (?:signing|subscribing|entering|joining|clicking)",
    "(?:our|the|daily|weekly) (?:\\w+ )?newsletter",
    "(?:privacy policy|read our privacy)",
    "(?:jetzt )?(?:newsletter|den newsletter|unseren newsletter)",
    "melden sie sich",
    "abonnieren sie",
    "kein spam",
    "abonnez-vous|inscrivez-vous|suscríbete",
    "اشترك|اشتركوا|انضم إلى|سجل بريدك",
)
_INVITES = re.compile(rf"\W*(?:{'|'.join(_INVITATIONS)})", re.IGNORECASE)
_MENTIONS = re.compile(
    r"\b(?:newsletter|(?:in|to) your inbox|by e-?mail|by mail|unsubscribe|one click|sign up|subscribe|no spam)\b"
    r"|نشرت|اشترك",
    re.IGNORECASE,
)


def is_form(text: str) -> bool:
    """Whether only a form says this line."""
    return len(text) <= LONGEST_INVITATION and bool(_FORM.fullmatch(text))


def box_starts(lines: Sequence[Line]) -> list[int]:
    """Where the sign-up box that closes ``lines`` may begin, the likeliest first; empty when there is none.

    A box ends the page with lines that only a form says and, above those, lines that invite. Whether lines that invite
    without a form, or merely mention a newsletter, belong to it only the page around them can tell.
    """
    floor = max(0, len(lines) - MOST_LINES)
    top = _climb(lines, len(lines), floor)
    forms = [place for place in range(top, len(lines)) if is_form(lines[place].text)]
    if not forms:
        return [top] if top < len(lines) else []
    block = next((place for place in range(forms[0], floor, -1) if lines[place].gap), None)
    if block is not None and block < top and _is_box_block(lines[block:top]):
        return [block, top]
    return [top]


def _climb(lines: Sequence[Line], end: int, floor: int) -> int:
    """The topmost line that a form says or that invites; up to MOST_BETWEEN plain lines may stand between such."""
    top, place = end, end - 1
    while place >= floor and top - place <= 1 + (MOST_BETWEEN if top < end else 0):
        if is_form(lines[place].text) or (
            len(lines[place].text) <= LONGEST_INVITATION and _INVITES.match(lines[place].text)
        ):
            top = place
        place -= 1
    return top


def _is_box_block(above: Sequence[Line]) -> bool:
    return all(len(line.text) <= LONGEST_INVITATION for line in above) and any(
        _MENTIONS.search(li.text) for li in above
    )
