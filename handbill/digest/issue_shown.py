"""A day's issue as everybody may read it: on its page, in one file, as a book.

It says of each article what a letter does, within the same limits, and has no room to be short of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django.template.loader import get_template

from handbill.articles.queries import last_published
from handbill.digest import letters
from handbill.digest.book import PACKAGE, bind
from handbill.digest.compose import whole
from handbill.digest.freeze import entries
from handbill.digest.letter_html import CorrectionShown, ItemShown, correction_shown, item_shown
from handbill.digest.models import Issue
from handbill.digest.phrases import length_line
from handbill.digest.records import Draft, LetterArticle, LetterCorrection, ReadingList
from handbill.digest.wording import date_line, words
from handbill.kit.text import shorten, slugify

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_BOOK = (PACKAGE, "nav.xhtml", "issue.xhtml", "style.css")


@dataclass(frozen=True, slots=True)
class IssueShown:
    """Words in the paper's language, and addresses that begin at the paper's own. ``changed``: aware, UTC."""

    paper: str
    day: date
    date: str  # written out
    path: str
    length: str
    changed: datetime
    items: tuple[ItemShown, ...]
    corrections: tuple[CorrectionShown, ...]

    @property
    def book(self) -> str:
        """The address of its EPUB."""
        return f"{self.path.removesuffix('/')}.epub"

    @property
    def file(self) -> str:
        """The address of its one file."""
        return f"{self.path.removesuffix('/')}.html"

    @property
    def name(self) -> str:
        """What a saved file is called, without its ending."""
        return f"{slugify(self.paper, 60)}-{self.day.isoformat()}"

    @property
    def summary(self) -> str:
        """Its first headlines in a line."""
        return shorten(" · ".join(one.headline for one in self.items[:3]), 200)

    @property
    def modified(self) -> str:
        """When it was changed, as EPUB writes it."""
        return f"{self.changed:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def languages(self) -> list[str]:
        """Those of its articles."""
        return sorted({one.language for one in self.items} | {one.language for one in self.corrections})

    def elsewhere(self, site: str) -> IssueShown:
        """The same where it is read away from the site: with whole addresses."""
        return replace(
            self,
            path=site + self.path,
            items=tuple(
                replace(one, address=_at(site, one.address), read_on_address=_at(site, one.read_on_address))
                for one in self.items
            ),
            corrections=tuple(replace(one, address=_at(site, one.address)) for one in self.corrections),
        )


def look(issue: Issue, language: str) -> IssueShown | None:
    """The issue as it is public now, in words of ``language`` (a code). None when nothing of it is left."""
    articles, updates, corrections = (tuple(issue.listed[name]) for name in ("articles", "updates", "corrections"))
    listed = ReadingList(articles, updates, corrections)
    known = letters.load(entries(issue), issue.date)
    model = whole(letters.letter_model(Draft(listed, language), known, issue.date))
    if not model.articles:
        return None
    said = words(language)
    items = [item_shown(_here(one, model.address), language, said, lead=False) for one in model.articles]
    put_right = [correction_shown(_put_right(one, model.address), language, said) for one in model.corrections]
    moments = (issue.public_at, last_published(listed.articles))
    return IssueShown(
        paper=model.paper,
        day=issue.date,
        date=date_line(said, issue.date),
        path=letters.issue_path(issue.date),
        length=length_line(model, said),
        changed=max(one for one in moments if one).astimezone(UTC),
        items=tuple(items),
        corrections=tuple(put_right),
    )


def book(shown: IssueShown, paper: dict[str, Any]) -> bytes:
    """The issue as EPUB 3; its identifier is its address, and its date of change that of what it shows."""
    context = {"paper": paper, "issue": shown.elsewhere(paper["address"])}
    return bind({name: get_template(f"public/book/{name}").render(context) for name in _BOOK})


def _here(one: LetterArticle, site: str) -> LetterArticle:
    """On the paper's own site. The part before in a series is a link away: it may go, and this page stays."""
    series = one.series and replace(one.series, previous="")
    return replace(one, address=one.address.removeprefix(site), series=series, language=_tag(one.language))


def _put_right(one: LetterCorrection, site: str) -> LetterCorrection:
    return replace(one, address=one.address.removeprefix(site), language=_tag(one.language))


def _tag(language: str) -> str:
    """The code where it can be one: a book with another isn't valid. Else that of the paper."""
    return language if _LANGUAGE.fullmatch(language) else ""


def _at(site: str, address: str) -> str:
    return site + address if address.startswith("/") else address
