"""What the send room shows: the next issue of the paper's own slot as it fills, and who waits for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.conf import settings

from handbill.articles import queries as articles
from handbill.delivery.queries import progress
from handbill.delivery.records import Progress
from handbill.digest import approval, decisions, freeze, letters, pages, plan, schedule
from handbill.digest.actions import PAPER, mail_test, reference
from handbill.digest.errors import NothingToTest
from handbill.digest.models import Act, Day, Issue
from handbill.digest.records import Chosen, ComposedLetter, Draft, Left, LetterArticle, ReadingList, Selection, Window
from handbill.subscribers import queries as subscribers
from handbill.subscribers.records import Slot

SHOWN_ACTS = 10


@dataclass(frozen=True, slots=True)
class Filling:
    """The issue as it would go now, to who reads the whole paper. ``seen``: the version to act on (``decisions``)."""

    day: date
    goes_at: datetime  # aware, UTC
    seen: int
    state: str  # of its row; empty while it isn't planned yet
    kept: tuple[tuple[int, LetterArticle], ...]
    corrections: tuple[tuple[int, str, str], ...]  # article, its headline, what was wrong in it
    left: tuple[tuple[int, str, Left], ...]  # id, headline, why it is left out
    ordered: bool  # by an editor
    room: int  # articles a letter takes at most
    subject: str = ""  # an editor's, for its lead
    letter: ComposedLetter | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """The last issue that was handed over, in whichever slots."""

    day: date
    handed_over_at: datetime
    progress: Progress


@dataclass(frozen=True, slots=True)
class Decided:
    """Where a day stands, and who had it so."""

    stand: approval.Stand
    decision: approval.Decision
    approved_by: str = ""
    held_by: str = ""
    acts: tuple[Act, ...] = ()


def next_day(now: datetime) -> date:
    """The date of the paper's issue that comes next: one whose hour has come and that waits, or the first to come."""
    clock = freeze.paper_clock()
    day = schedule.begun_day(now, clock)
    issue = _issue(day)
    waits = issue.state != Issue.State.HANDED_OVER if issue else bool(_candidates(day))
    while not waits:
        day += timedelta(days=1)
        issue = _issue(day)
        waits = issue is None or issue.state != Issue.State.HANDED_OVER
    return day


def filling(now: datetime) -> Filling:
    """The next issue with all that is published by now."""
    seen, sight = decisions.arranged(), _look(now)
    articles_of, listed = sight.known.articles, sight.listed
    left = plan.left_out(sight.selection, frozenset())
    new = {note.article: note.text for pk in listed.updates if (note := sight.known.notes.get(pk))}
    corrected = [sight.known.notes[pk] for pk in listed.corrections if pk in sight.known.notes]
    not_taken = _not_taken(sight.window, sight.selection)
    return Filling(
        day=sight.day,
        goes_at=sight.window.closes,
        seen=seen,
        state=sight.issue.state if sight.issue else "",
        kept=tuple((pk, replace(articles_of[pk], new=new.get(pk, ""))) for pk in listed.articles),
        corrections=tuple((one.article, articles_of[one.article].headline, one.text) for one in corrected),
        left=(*((pk, articles_of[pk].headline, why) for pk, why in left.items()), *not_taken),
        ordered=any(one.placed for one in sight.selection.articles),
        room=sight.selection.limits.articles,
        subject=articles_of[listed.articles[0]].subject if listed.articles else "",
        letter=_compose(sight) if listed else None,
    )


def send_test(address: str, now: datetime) -> date:
    """Mail the next issue as it would go now to one address; its date. Raises NothingToTest, AddressError."""
    sight = _look(now)
    if not sight.listed:
        raise NothingToTest("There is nothing to show: no article waits for an issue. Publish one first.")
    mail_test(address, _compose(sight, test=True), sight.day, now)
    return sight.day


def decided(day: date, now: datetime) -> Decided:
    """Where a day stands, with the last acts of all days."""
    row = Day.objects.filter(date=day).first() or Day(date=day)
    decision = decisions.decision(day)
    acts = tuple(Act.objects.order_by("-pk")[:SHOWN_ACTS])
    return Decided(approval.standing(decision, now), decision, row.approved_by, row.held_by, acts)


def sending() -> Sending | None:
    """How far the last issue is that was handed over."""
    last = Issue.objects.filter(state=Issue.State.HANDED_OVER).order_by("-handed_over_at").first()
    return Sending(last.date, last.handed_over_at, progress(reference(last))) if last and last.handed_over_at else None


def waiting_readers(now: datetime) -> list[tuple[Slot, int]]:
    """Who reads when: slots with their readers, most readers first."""
    return sorted(subscribers.slots(now).items(), key=lambda pair: (-pair[1], pair[0].key))


@dataclass(frozen=True, slots=True)
class _Sight:
    day: date
    issue: Issue | None
    window: Window
    known: letters.Known
    selection: Selection
    listed: ReadingList


def _look(now: datetime) -> _Sight:
    day = next_day(now)
    issue = _issue(day)
    chosen = freeze.arranged(freeze.entries(issue)) if issue else _candidates(day)
    known = letters.load(chosen)
    topics = issue.topics if issue else freeze.paper_order()
    selection = freeze.selected(PAPER, known.present(chosen), topics, ())
    listed = plan.reading_list(selection, frozenset())
    return _Sight(day, issue, _window(day), known, selection, listed)


def _compose(sight: _Sight, test: bool = False) -> ComposedLetter:
    draft = Draft(sight.listed, settings.HANDBILL.language)
    on_site = pages.has_page(PAPER.key, sight.listed)
    return letters.compose_letter(draft, sight.known, sight.day, test=test, on_site=on_site)


def _issue(day: date) -> Issue | None:
    return Issue.objects.filter(date=day, slot=PAPER.key).first()


def _window(day: date) -> Window:
    return schedule.window(PAPER, day, freeze.paper_clock())


def _candidates(day: date) -> list[Chosen]:
    return freeze.candidates(PAPER, _window(day))


def _not_taken(window: Window, selection: Selection) -> list[tuple[int, str, Left]]:
    """What was published in the issue's time and is no candidate."""
    taken = {one.id for one in selection.articles}
    return [
        (pk, headline, Left.TOLD if mailed else Left.UNMAILED)
        for pk, headline, mailed in articles.headlines(window.opens, window.closes)
        if pk not in taken
    ]
