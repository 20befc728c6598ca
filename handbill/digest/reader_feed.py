"""What a reader's private feed holds: the letters of their last issues, planned for them as for who gets them by mail.

Nothing is kept of it: the issues' frozen plans and the reader's subscriptions of then say what each letter was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Q

from handbill.digest import freeze, letters, plan, schedule
from handbill.digest.actions import reference
from handbill.digest.models import Issue
from handbill.digest.records import Chosen, ComposedLetter, Draft
from handbill.subscribers import feeds
from handbill.subscribers.records import Feed, read_slot
from handbill.subscribers.wishes import Told

MOST_ISSUES = 14


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One issue as the reader gets it. ``id``: a URN, the same for as long as the feed lasts, whatever its address."""

    id: str
    at: datetime  # when the issue was handed over
    subject: str
    address: str  # of what leads it, on the newsroom's own site
    headlines: tuple[str, ...]
    html: str  # whole elements, without the letter's head and foot: no link of a reader's own is in it
    language: str


@dataclass(frozen=True, slots=True)
class ReaderFeed:
    """A feed's entries, the newest first; ``began`` when the reader chose it."""

    id: str
    began: datetime
    language: str
    entries: tuple[FeedEntry, ...]


def read(feed_token: str) -> ReaderFeed:
    """The feed at an address; changes nothing, in a number of queries that doesn't grow with its issues.

    Raises WrongLink, the same for an address that never was, was renewed, or is over.
    """
    feed = feeds.opened(feed_token)
    language = feed.wishes.language or settings.HANDBILL.language
    return ReaderFeed(_urn(feed, "feed"), feed.began, language, tuple(_entries(feed)))


def _entries(feed: Feed) -> Iterator[FeedEntry]:
    issues = [(issue, freeze.entries(issue)) for issue in _issues(feed)]
    known = letters.load([one for _, chosen in issues for one in chosen])
    for issue, chosen in issues:
        draft = _draft(feed, issue, known.present(chosen))
        if draft is not None:
            slot = read_slot(issue.slot)
            zone = schedule.clock_of(slot, freeze.paper_clock()).zone
            review = letters.review_of(slot, issue.opens, chosen, zone)
            composed = letters.compose_letter(draft, known, issue.date, review=review)
            yield _entry(feed, issue, draft, known, composed)


def _issues(feed: Feed) -> Iterable[Issue]:
    """The last that went out in the reader's slot since they read, and in the one they moved from."""
    here = Q(slot=feed.slot.key)
    if feed.told:
        here = here & Q(date__gte=feed.told.first) | Q(slot=feed.told.by, date__lte=feed.told.day)
    gone = Issue.objects.filter(here, state=Issue.State.HANDED_OVER, closes__gte=feed.since)
    return gone.order_by("-date").prefetch_related("entries")[:MOST_ISSUES]


def _draft(feed: Feed, issue: Issue, chosen: Iterable[Chosen]) -> Draft | None:
    """The letter of the issue for who reads what the reader did then; None where it has nothing for them."""
    group = feed.group_at(issue.handed_over_at or issue.closes, _told(feed, issue))
    if group is None:
        return None
    selection = freeze.selected(read_slot(issue.slot), chosen, issue.topics, [group])
    planned = plan.plan_letters(selection, [group], settings.HANDBILL.language)
    return next(iter(planned), None)


def _told(feed: Feed, issue: Issue) -> Told | None:
    """Set in the first issue after the reader moved to the slot."""
    told = feed.told
    if told is None or issue.slot != feed.slot.key or issue.date < told.first:
        return None
    after = freeze.day_before(feed.slot, issue.date)
    return told if after is None or told.first > after else None


def _entry(feed: Feed, issue: Issue, draft: Draft, known: letters.Known, composed: ComposedLetter) -> FeedEntry:
    articles = [known.articles[pk] for pk in draft.listed.articles]
    corrected = [note.article for pk in draft.listed.corrections if (note := known.notes.get(pk))]
    lead = articles[0] if articles else known.articles[corrected[0]]
    return FeedEntry(
        id=_urn(feed, reference(issue)),
        at=issue.handed_over_at or issue.closes,
        subject=composed.subject,
        address=lead.address,
        headlines=tuple(one.headline for one in articles),
        html="".join(composed.news),
        language=draft.language,
    )


def _urn(feed: Feed, name: str) -> str:
    """Each reader's own: a program that fetches several feeds takes none of their entries for another's."""
    return f"urn:uuid:{uuid5(UUID(feed.id), name)}"
