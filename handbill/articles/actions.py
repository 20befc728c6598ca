"""Make articles of stories and archives, publish and withdraw them. Each action loads, decides, saves.

Publishing goes through Wagtail's revisions, so that the desk's history tells the whole truth; the edition rises in
``receivers``. Repeating an action changes nothing more.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from wagtail.models import Revision

from handbill.articles.errors import EditedSince
from handbill.articles.importing import import_archive, import_wordpress
from handbill.articles.models import Article, Note, Series
from handbill.articles.numbering import series_named
from handbill.articles.teaching import likely_topics
from handbill.kit.text import clean
from handbill.stories import queries as stories
from handbill.stories.allowance import allowance
from handbill.stories.excerpt import excerpt
from handbill.stories.records import TriagedStory
from handbill.stories.series import series_of
from handbill.topics.models import Topic

__all__ = [
    "add_note",
    "import_archive",
    "import_wordpress",
    "mark_report_seen",
    "publish",
    "publish_scheduled",
    "take_story",
    "take_top_backlog",
    "take_top_stories",
    "undo_take",
    "withdraw",
    "withdraw_note",
]

log = logging.getLogger(__name__)
MOST_OF_NOTE = 600  # characters
_TRIES = 3


def take_story(
    story_id: int,
    now: datetime,
    *,
    user: Any = None,
    topic_ids: list[int] | None = None,
    more_topics: Collection[int] = (),
    publish: bool = False,
) -> Article:
    """Make the story's article: headline and excerpt of its lead report, with credit and link.

    The topics are ``topic_ids``, or those its reports' categories suggest, and ``more_topics``. A story taken before
    gives the same article, whoever takes it and however often. A story of backlog alone keeps its report's date and is
    never mailed. Raises Story.DoesNotExist for a story that is gone.
    """
    with transaction.atomic():  # a story taken to be published and then not published would be off everybody's list
        article = Article.objects.filter(story_id=story_id).first() or _make(story_id, user, topic_ids, more_topics)
        return _publish(article, now, user) if publish and not article.live else article


def _make(story_id: int, user: Any, topic_ids: list[int] | None, more_topics: Collection[int]) -> Article:
    view = stories.story_view(story_id)
    more = list(Topic.objects.filter(pk__in=more_topics, retired=False))
    if topic_ids is None:
        topics = list(stories.suggested_topics(story_id))
        if settings.HANDBILL.auto_topics:
            topics += [topic for topic in likely_topics(view) if topic not in topics]
    else:
        topics = list(Topic.objects.filter(pk__in=topic_ids, retired=False))
    topics += [topic for topic in more if topic not in topics]
    for _ in range(_TRIES):
        try:
            return _save_draft(view, topics, user)
        except IntegrityError:
            # Somebody else took the story, or the address, between our look and our write.
            if (article := Article.objects.filter(story_id=story_id).first()) is not None:
                return article
    return _save_draft(view, topics, user)


def _save_draft(view: TriagedStory, topics: list[Topic], user: Any) -> Article:
    with transaction.atomic():
        article = _draft(view)
        article.topics = topics
        article.save()
        article.save_revision(user=user, log_action=True)
    return article


def _draft(view: TriagedStory) -> Article:
    report = view.lead
    source = report.source
    series, number = _series(report.title)
    quoted = allowance(source.excerpt_words, (source.licence, report.licence))
    return Article(
        live=False,
        has_unpublished_changes=True,
        headline=report.title[:300],
        excerpt=excerpt(report.text, target=quoted.words, most=quoted.words, unbroken=quoted.unbroken),
        credit=source.name,
        also_reported=_other_outlets(view),
        source_address=report.address,
        licence=source.licence,
        language=report.language or source.language or view.story.language,
        series=series,
        series_number=number,
        published_at=report.published_at if view.all_backlog else None,
        in_digest=not view.all_backlog,
        story=view.story,
        report=report,
        report_seen=report.alterations,
    )


def _other_outlets(view: TriagedStory) -> list[str]:
    """Outlets with a report of their own, in the order they came; a copy is no second voice."""
    names = [member.outlet for member in view.members if not member.copy_of]
    return [name for name in dict.fromkeys(names) if name != view.lead.source.name]


def _series(title: str) -> tuple[Series | None, int | None]:
    """The series of a title that numbers itself: one that stands, or one that two reports' rising numbers confirm."""
    mark = series_of(title)
    series = series_named(mark.name[:200]) if mark is not None and mark.name else None
    if mark is None or series is None:
        return None, None
    taken = Article.objects.filter(series=series, series_number=mark.number).exists()
    return series, None if taken else mark.number


def publish(article: Article, now: datetime, user: Any = None) -> Article:
    """Publish the newest draft, through a revision. Returns the article as readers now see it.

    ``published_at`` is ``now`` at the first publication and kept later. Raises PermissionDenied when ``user`` may not.
    """
    return _publish(article, now, user)


def _publish(article: Article, now: datetime, user: Any) -> Article:
    with transaction.atomic():
        row = Article.objects.select_for_update(of=("self",)).get(pk=article.pk)
        if row.first_published_at is None:
            row.first_published_at = now
            row.save(update_fields=["first_published_at"])
        draft = row.get_latest_revision_as_object()
        draft.published_at = draft.published_at or now
        draft.save_revision(user=user, log_action=False).publish(user=user)
    return Article.objects.get(pk=article.pk)


def withdraw(article: Article, user: Any = None) -> Article:
    """Take the article off the site; it stays as a draft with its history.

    Raises PermissionDenied when ``user`` may not.
    """
    with transaction.atomic():
        row = Article.objects.select_for_update(of=("self",)).get(pk=article.pk)
        row.unpublish(user=user)
    return row


def undo_take(article_id: int, user: Any = None) -> None:
    """Undo ``take_story``: a draft that was never public is deleted, a published article withdrawn.

    An article that is gone, or that no story was taken for, is left as it is. Raises EditedSince for a draft that was
    saved again since it was taken, and PermissionDenied when ``user`` may not withdraw.
    """
    article = Article.objects.filter(pk=article_id, story__isnull=False).first()
    if article is None:
        return
    if article.edition:
        withdraw(article, user)
    elif article.revisions.count() > 1:
        raise EditedSince(
            f"“{article}” has been edited since it was taken. Delete the draft from its own page instead."
        )
    else:
        article.delete()


def mark_report_seen(report_id: int, number: int) -> None:
    """The newsroom has seen the report as alteration ``number`` left it: its articles need no look for that."""
    Article.objects.filter(report=report_id, report_seen__lt=number).update(report_seen=number)


def take_top_stories(count: int, now: datetime) -> int:
    """Take and publish the first stories of the triage list, the best last so that it stands on top. Returns how many.

    At most ``count`` of news and ``count`` of backlog a local day: what was first published today of either is taken
    off, so that calling it again the same day does nothing more.
    """
    return take_top_backlog(count, now) + _take_top(count, now, backlog=False)


def take_top_backlog(count: int, now: datetime) -> int:
    """The same for stories of backlog alone: they fill the archives and are never mailed."""
    return _take_top(count, now, backlog=True)


def _take_top(count: int, now: datetime, *, backlog: bool) -> int:
    midnight = datetime.combine(now.astimezone(settings.HANDBILL.zone), time(), settings.HANDBILL.zone)
    today = Article.objects.filter(story__isnull=False, first_published_at__gte=midnight, first_published_at__lte=now)
    wanted = max(0, count - today.filter(in_digest=not backlog).count())
    triaged = stories.triage(limit=wanted, backlog=backlog) if wanted else []
    for view in reversed(triaged):
        take_story(view.story.pk, now, publish=True)
    return len(triaged)


def publish_scheduled(now: datetime) -> int:
    """Publish and withdraw what is due by the desk's schedule. Returns how many changed.

    One that can't be published is written to the log and doesn't hold up the others.
    """
    changed = 0
    for article in list(Article.objects.filter(live=True, expire_at__lte=now)):
        article.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")
        changed += 1
    kind = ContentType.objects.get_for_model(Article)
    due = Revision.objects.filter(content_type=kind, approved_go_live_at__lte=now).order_by("approved_go_live_at", "pk")
    for revision in list(due):
        changed += _publish_due(revision)
    return changed


def _publish_due(revision: Revision) -> int:
    try:
        with transaction.atomic():
            revision.publish(log_action="wagtail.publish.scheduled")
    except IntegrityError:
        log.warning(
            "Article %s was due but its series number is taken. Give it another at the desk.", revision.object_id
        )
        return 0
    return 1


def add_note(article: Article, text: str, now: datetime, *, correction: bool = False, by: str = "") -> Note | None:
    """Say what came to a public article, or what was wrong in it; its readers are told in their next issue.

    None, with nothing kept, where ``text`` says nothing. ``by``: who wrote it.
    """
    said = clean(text)[:MOST_OF_NOTE]
    if not said:
        return None
    kind = Note.Kind.CORRECTION if correction else Note.Kind.NEWS
    return Note.objects.create(article=article, kind=kind, text=said, at=now, by=by[:150])


def withdraw_note(note_id: int, now: datetime, by: str = "") -> bool:
    """Take a note back: no letter that is still to be written says it. False: it is gone, or was taken back before.

    Whether a letter had it already, ``digest.notes`` knows.
    """
    free = Note.objects.filter(pk=note_id, withdrawn_at__isnull=True)
    return bool(free.update(withdrawn_at=now, withdrawn_by=by[:150]))
