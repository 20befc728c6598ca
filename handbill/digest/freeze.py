"""Choose an issue's articles from the rows of other rooms and write them down, once: what letters are made from.

A plan that is written stays, whatever happens to its articles, readers or the process that wrote it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, Min

from handbill.articles import queries as articles
from handbill.articles.records import Candidate as Published
from handbill.digest import plan
from handbill.digest.models import Alert, Issue, IssueArticle, Place, Standstill
from handbill.digest.records import AlertTold, Candidate, Carried, Chosen, Limits, Note, Selection, Tellings, Window
from handbill.digest.schedule import FOLD_BACK, Clock
from handbill.kit.errors import TryLater
from handbill.stories import queries as stories
from handbill.subscribers import queries as subscribers
from handbill.subscribers.records import Group, Slot, read_slot
from handbill.subscribers.wishes import Told
from handbill.topics.models import Topic

FARTHEST = timedelta(days=14)  # how far back it is asked what a reader was told before they moved: two weekly issues
TOLD_BY = (Alert.State.PLANNING, Alert.State.PLANNED, Alert.State.HANDED_OVER)  # states of alerts that readers get
TRIES = 5  # to write an issue down while others write theirs
_CHUNK = 500
_HOUR = timedelta(hours=1)


def paper_clock() -> Clock:
    """The newsroom's own hour and zone."""
    return Clock(settings.HANDBILL.digest_hour, settings.HANDBILL.zone)


def freeze(slot: Slot, day: date, window: Window, now: datetime) -> Issue | None:
    """Write down the slot's issue of ``day``; None with nothing to say or nobody to read it. Raises TryLater."""
    for _ in range(TRIES):
        if not anything_waits(slot, window):
            return None
        groups = subscribers.groups(slot, day, now, day_before(slot, day))
        chosen = candidates(slot, window, groups)
        selection = selected(slot, chosen, paper_order(), groups)
        if not chosen or not plan.plan_letters(selection, groups, settings.HANDBILL.language):
            return None
        try:
            return _write_down(slot, day, window, chosen)
        except IntegrityError:  # another worker froze this issue, or one with the same articles, at the same moment
            if issue := Issue.objects.filter(date=day, slot=slot.key).first():
                return issue
    raise TryLater(f"The issue {slot.key} of {day} met others that tell the same. It is planned anew in a minute.")


def day_before(slot: Slot, day: date) -> date | None:
    """The day of the slot's issue before; None where it had none."""
    earlier = Issue.objects.filter(slot=slot.key, date__lt=day).order_by("-date")
    return earlier.values_list("date", flat=True).first()


def anything_waits(slot: Slot, window: Window) -> bool:
    """Whether a reader could have anything to read: asked before readers are counted, which takes longer."""
    return bool(articles.candidates(_since(window), window.closes) or articles.notes(_since(window), window.closes))


def candidates(slot: Slot, window: Window, groups: Iterable[Group] = ()) -> list[Chosen]:
    """What the slot's issue with this window takes, in order: all that none of its issues had, back to two days before
    it opens; what is new about what they had; and for readers who moved here what they were not told of elsewhere."""
    since = _since(window)
    farthest = window.closes - FARTHEST
    moved = {max(group.told.until, farthest) for group in groups if group.told}
    notes = articles.notes(since, window.closes)
    noted = {note.article for note in notes}
    found = articles.candidates(min(since, *moved) if moved else since, window.closes, noted)
    told, told_stories = _tellings(slot, found)
    chosen = plan.choose(
        _ranked(found, week_of(slot, window.opens, window.closes)),
        [Note(one.id, one.article, one.at, one.correction) for one in notes],
        told,
        told_stories,
        since,
        alerted=_alert_tellings(slot, [one.id for one in found]),
    )
    return [one for one in chosen if moved or not one.extra]


def entries(issue: Issue) -> list[Chosen]:
    """What was written down."""
    return [
        Chosen(
            id=row.article_id,
            topics=frozenset(row.topics),
            outlet=row.outlet,
            story=row.story,
            placed=row.placed,
            published_at=row.published_at or issue.opens,
            note=row.note_id,
            correction=row.correction,
            extra=row.extra,
            alert=row.alert,
        )
        for row in issue.entries.all()
    ]


def week_of(slot: Slot, opens: datetime, closes: datetime) -> tuple[datetime, datetime] | None:
    """From when to when an issue is about, where it reviews a week."""
    return (opens, closes) if slot.cadence == "weekly" else None


def arranged(chosen: Iterable[Chosen], week: tuple[datetime, datetime] | None = None) -> list[Chosen]:
    """An issue's articles in the order that editors and ranks give them by now; corrections stay last."""
    rows: dict[int, list[Chosen]] = defaultdict(list)
    corrections = []
    for one in chosen:
        if one.correction:
            corrections.append(one)
        else:
            rows[one.id].append(one)
    order = plan.order(_ranked((_published(each[0]) for each in rows.values()), week))
    return [replace(row, placed=one.place is not None) for one in order for row in rows[one.id]] + corrections


def arrange(issue: Issue) -> None:
    """Write the issue down in that order. Call it in a transaction, before its letters are written."""
    chosen = arranged(entries(issue), week_of(read_slot(issue.slot), issue.opens, issue.closes))
    issue.entries.all().delete()
    _write_entries(issue, chosen)


def selected(slot: Slot, chosen: Iterable[Chosen], topics: Iterable[int], groups: Iterable[Group]) -> Selection:
    """All that the letters of an issue go by."""
    groups = list(groups)
    moved = {group.told for group in groups if group.told}
    articles = tuple(chosen)
    return Selection(
        articles=articles,
        topics=tuple(topics),
        limits=limits(slot),
        told={told: _told_of(told) for told in moved},
        fold_back=FOLD_BACK,
        news_only=slot.cadence == "news",
        alerted=alerts_of(articles) if any(group.alerts for group in groups) else {},
        by_topic=slot.cadence == "weekly",
    )


def alerts_of(chosen: Iterable[Chosen]) -> dict[int, AlertTold]:
    """The alerts that told of these articles, or of their stories."""
    listed = list(chosen)
    found: dict[int, AlertTold] = {}
    for some in _chunks([one.id for one in listed]):
        found |= _alerts(article__in=some)
    for some in _chunks([one.story for one in listed if one.story is not None]):
        found |= _alerts(story__in=some)
    return found


def _alerts(**where: object) -> dict[int, AlertTold]:
    rows = Alert.objects.filter(state__in=TOLD_BY, **where).values_list("pk", "article", "story")
    return {pk: AlertTold(article, story) for pk, article, story in rows}


def _alert_tellings(slot: Slot, ids: Collection[int]) -> dict[int, Tellings]:
    """When alerts told of these articles, with the notes that the slot's issues told since of who had them."""
    found: dict[int, Tellings] = {}
    for some in _chunks(ids):
        rows = Alert.objects.filter(state__in=TOLD_BY, article__in=some).values_list("article")
        found |= {pk: Tellings(*ends) for pk, *ends in rows.annotate(Min("planned_at"), Max("planned_at"))}
        noted = IssueArticle.objects.filter(slot=slot.key, alert=True, article__in=some)
        for article, note, closes in noted.values_list("article", "note", "issue__closes"):
            if said := found.get(article):
                found[article] = Tellings(said.first, max(said.last, closes), said.notes | {note})
    return found


def limits(slot: Slot) -> Limits:
    """How much a letter takes, as the newsroom set it."""
    paper = settings.HANDBILL
    articles = paper.weekly_articles if slot.cadence == "weekly" else paper.digest_articles
    return Limits(articles, paper.digest_per_outlet, paper.digest_per_topic)


def paper_order() -> list[int]:
    """The topics' ids as the paper has them."""
    return list(Topic.objects.values_list("pk", flat=True))


def _since(window: Window) -> datetime:
    """How far back an issue reaches; not behind what a person said was told before (``Standstill``)."""
    said = Standstill.objects.aggregate(at=Max("told_until"))["at"]
    return max(window.since, said) if said else window.since


def _ranked(found: Iterable[Published], week: tuple[datetime, datetime] | None = None) -> list[Candidate]:
    found = list(found)
    places = dict(Place.objects.filter(article__in=[one.id for one in found]).values_list("article_id", "position"))
    ranks = stories.places({one.story for one in found if one.story is not None})
    ranked = [
        Candidate(
            id=one.id,
            published_at=one.published_at,
            topics=one.topic_ids,
            rank=ranks.get(one.story or 0, one.published_at.timestamp() / _HOUR.total_seconds()),
            outlet=one.outlet,
            story=one.story,
            place=places.get(one.id),
        )
        for one in found
    ]
    return plan.of_week(ranked, _carried([one.id for one in found], places, *week)) if week else ranked


def _carried(ids: Collection[int], places: Mapping[int, int], opens: datetime, closes: datetime) -> dict[int, Carried]:
    """Where articles stood in the paper's own issues of a time, and where an editor has them for the next."""
    rows = IssueArticle.objects.filter(slot=Slot().key, extra=False, alert=False, correction=False)
    rows = rows.filter(issue__closes__gt=opens, issue__closes__lte=closes)
    stood = [(pk, Carried(position, True)) for pk, position in places.items()]
    for some in _chunks(ids):
        fields = rows.filter(article__in=some).values_list("article", "position", "placed")
        stood += [(pk, Carried(position, placed)) for pk, position, placed in fields]
    return dict(sorted(stood, key=lambda pair: (pair[1].placed, -pair[1].position)))  # the best of each is the last


def _published(one: Chosen) -> Published:
    at = one.published_at or datetime.min.replace(tzinfo=UTC)
    return Published(one.id, at, one.topics, 0, one.story, one.outlet)


def _tellings(slot: Slot, found: Iterable[Published]) -> tuple[dict[int, Tellings], frozenset[int]]:
    """What the slot's issues said of these articles, and of which of their stories they told."""
    found = list(found)
    rows = IssueArticle.objects.filter(slot=slot.key, extra=False, alert=False).order_by("issue__closes")
    told: dict[int, list[tuple[datetime, int | None, bool]]] = defaultdict(list)
    for ids in _chunks([one.id for one in found]):
        fields = rows.filter(article__in=ids).values_list("article", "issue__closes", "note", "correction")
        for article, closes, note, correction in fields:
            told[article].append((closes, note, correction))
    known: set[int] = set()
    for ids in _chunks([one.story for one in found if one.story is not None]):
        known.update(story for story in rows.filter(story__in=ids).values_list("story", flat=True) if story)
    return {article: _telling(said) for article, said in told.items()}, frozenset(known)


def _telling(said: list[tuple[datetime, int | None, bool]]) -> Tellings:
    whole = [closes for closes, _, correction in said if not correction] or [closes for closes, *_ in said]
    return Tellings(whole[0], whole[-1], frozenset(note for _, note, _ in said if note is not None))


def _told_of(told: Told) -> frozenset[int]:
    """The articles that a slot's issues had, up to the last one that a reader got before moving."""
    since = told.day - FARTHEST
    rows = IssueArticle.objects.filter(slot=told.by, issue__date__range=(since, told.day), extra=False, alert=False)
    return frozenset(rows.values_list("article_id", flat=True))


def _write_down(slot: Slot, day: date, window: Window, chosen: list[Chosen]) -> Issue:
    with transaction.atomic():
        issue = Issue.objects.create(
            date=day, slot=slot.key, opens=window.opens, closes=window.closes, topics=paper_order()
        )
        _write_entries(issue, chosen)
    return issue


def _write_entries(issue: Issue, chosen: Iterable[Chosen]) -> None:
    IssueArticle.objects.bulk_create(
        IssueArticle(
            issue=issue,
            slot=issue.slot,
            article_id=one.id,
            position=number,
            topics=sorted(one.topics),
            outlet=one.outlet[:300],
            story=one.story,
            placed=one.placed,
            published_at=one.published_at,
            note_id=one.note,
            correction=one.correction,
            extra=one.extra,
            alert=one.alert,
        )
        for number, one in enumerate(chosen)
    )


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    listed = list(ids)
    return (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))
