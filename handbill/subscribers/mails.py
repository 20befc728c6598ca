"""The mails of signing up and of lists. Made from the paper's own settings and links: no text from a form gets in."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string

from handbill.delivery.records import READER_SLOT, LetterBody
from handbill.kit.text import language_direction
from handbill.subscribers.queries import reader_links
from handbill.subscribers.wording import language_of, words

WIDTH = 72


def confirmation(token: str) -> LetterBody:
    """Asks the owner of the address to confirm. ``token`` is a confirmation token."""
    said = _said()
    steps = [
        (said["confirm_mail"], said["confirm_mail_button"], f"{settings.HANDBILL.public_address}/confirm/{token}/")
    ]
    return _letter("confirm", said["confirm_subject"], steps, said["confirm_mail_not_you"])


def move(token: str) -> LetterBody:
    """Asks the owner of a new address whether a reader's paper shall come there."""
    said, link = _said(), f"{settings.HANDBILL.public_address}/moved/{token}/"
    return _letter(
        "move",
        said["move_subject"],
        [(said["move_mail"], said["confirm_mail_button"], link)],
        said["move_mail_not_you"],
    )


def still_reading() -> LetterBody:
    """Asks a reader whether they still read: one link to a button."""
    said, links = _said(), reader_links(READER_SLOT)
    steps = [
        (said["still_mail"], said["still_button"], links.still),
        (said["reminder_mail_leave"], said["leave_link"], links.unsubscribe),
    ]
    return _letter("still", said["still_title"], steps, said["still_mail_silence"], one_click=links.unsubscribe)


def taken() -> LetterBody:
    """Tells the owner of an address that gets the paper already that somebody wanted to move there."""
    said = _said()
    return _letter("taken", said["reminder_subject"], [], said["taken_mail"])


def moved() -> LetterBody:
    """Tells the old address that the paper comes to another one from now on, which isn't named."""
    said, link = _said(), f"{settings.HANDBILL.public_address}/subscribe/"
    return _letter("moved", said["moved_subject"], [(said["moved_mail"], said["ask_button"], link)], "")


def reminder() -> LetterBody:
    """Tells a reader who signed up once more that they get the paper already, and where to change that.

    Their links are delivery's to stamp: no table holds a token that stays good.
    """
    said, links = _said(), reader_links(READER_SLOT)
    steps = [
        (said["reminder_mail"], said["reminder_mail_button"], links.preferences),
        (said["reminder_mail_leave"], said["leave_link"], links.unsubscribe),
    ]
    return _letter("remind", said["reminder_subject"], steps, said["reminder_mail_not_you"])


def asked_again(token: str) -> LetterBody:
    """Asks somebody who came with a list, without proof, whether they want the paper. ``token``: a confirmation's."""
    said = _said()
    link = f"{settings.HANDBILL.public_address}/confirm/{token}/"
    steps = [(said["again_mail"], said["confirm_mail_button"], link)]
    return _letter("again", said["again_subject"], steps, said["again_mail_not_you"])


def taken_out(who: str, now: datetime) -> LetterBody:
    """Tells an admin that the list was taken out, by whom and when (in the paper's zone)."""
    paper = settings.HANDBILL
    said = words(paper.language, paper=paper.name, who=who, when=f"{now.astimezone(paper.zone):%Y-%m-%d %H:%M}")
    steps = [(said["out_mail"], said["out_mail_button"], f"{paper.desk_address}/")]
    return _letter("taken-out", said["out_subject"], steps, said["out_mail_closing"])


def _said() -> Mapping[str, str]:
    return words(settings.HANDBILL.language, paper=settings.HANDBILL.name)


def _letter(key: str, subject: str, steps: list[tuple[str, str, str]], closing: str, one_click: str = "") -> LetterBody:
    paper = settings.HANDBILL
    language = language_of(paper.language)
    context = {
        "subject": subject,
        "steps": steps,
        "closing": closing,
        "paper": {"name": paper.name, "address": paper.public_address, "postal_address": paper.postal_address},
        "language": language,
        "direction": language_direction(language),
    }
    lines = [line for words_, _, link in steps for line in (textwrap.fill(words_, WIDTH), "", link, "")]
    foot = [textwrap.fill(closing, WIDTH), "", "-- ", paper.name, paper.public_address, paper.postal_address]
    return LetterBody(
        key=key,
        sender=paper.from_address,
        subject=subject,
        html=render_to_string("mail/sign_up.html", context),
        text="\n".join([*lines, *foot]).rstrip() + "\n",
        language=language,
        one_click=one_click,
    )
