"""Hand each choice of topics down to ``stories``, which learns from it, and ask what it suggests (ADR-0043).

Articles are compared with what was told of them, by their editions: so a choice made at the desk, by import or on
another machine is told, one withdrawn is forgotten, and a run that died half way is made up for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch

from handbill.articles.models import Article
from handbill.kit.text import plain
from handbill.stories import actions, queries
from handbill.stories.records import Chosen, SuggestedTopic, TriagedStory
from handbill.stories.suggest import Told
from handbill.topics.models import Topic
from handbill.work.actions import standing_job

EVERY = timedelta(minutes=1)
BATCH = 100
LIKELY = 0.5  # a topic likelier than not
WORTH_OFFERING, MOST_OFFERED = 0.25, 3  # on the list of stories, where less would be noise
READ = 16_000  # characters of a text
_HAS_TOPICS = Exists(Article.topics.through.objects.filter(article=OuterRef("pk")))


def tell_choices(now: datetime) -> int:
    """Tell ``stories`` of the public articles with topics whose edition it doesn't know; how many.

    The newest MOST_EXAMPLES count; others are forgotten. Harmless to repeat; one worker does it, once in EVERY.
    """
    with standing_job("tell choices", now, every=EVERY) as held:
        return _tell(now) if held else 0


def _tell(now: datetime) -> int:
    public = Article.objects.filter(_HAS_TOPICS, live=True, published_at__isnull=False)
    wanted = dict(public.order_by("-published_at", "-pk").values_list("pk", "edition")[: queries.MOST_EXAMPLES])
    known = queries.kept_choices()
    actions.forget_choices([pk for pk in known if pk not in wanted])
    new = [pk for pk, edition in wanted.items() if known.get(pk) != edition]
    return sum(
        actions.keep_choices(_chosen(new[start : start + BATCH], now), now) for start in range(0, len(new), BATCH)
    )


def _chosen(ids: list[int], now: datetime) -> Iterator[Chosen]:
    rows = Article.objects.filter(pk__in=ids).select_related("report__source")
    for article in rows.prefetch_related(Prefetch("topics", queryset=Topic.objects.only("pk"))):
        yield Chosen(
            article.pk,
            article.edition,
            article.headline,
            _text(article),
            article.language,
            _outlet(article),
            _day(article, now),
            tuple(topic.pk for topic in article.topics.all()),
        )


def topics_for(article: Article, now: datetime) -> list[SuggestedTopic]:
    """Topics for an article as it stands, those it has left out, the likeliest first."""
    told = Told(article.headline, _text(article), article.language, _outlet(article), _day(article, now))
    found = queries.learned_topics(told)
    had = {topic.pk for topic in article.topics.all()}
    return [each for each in found if each.topic.pk not in had]


def likely_topics(view: TriagedStory) -> list[Topic]:
    """Topics for a story that are likelier than not."""
    return [each.topic for each in queries.learned_topics(_told(view)) if each.confidence > LIKELY]


def offered_topics(views: Sequence[TriagedStory]) -> dict[int, list[SuggestedTopic]]:
    """By story the few topics to offer who chooses among stories; what ``auto_topics`` gives is left out."""
    most = LIKELY if settings.HANDBILL.auto_topics else 1.0
    found = queries.learned_topics_of([_told(view) for view in views], MOST_OFFERED)
    return {
        view.story.pk: [each for each in topics if WORTH_OFFERING <= each.confidence <= most]
        for view, topics in zip(views, found, strict=True)
    }


def _told(view: TriagedStory) -> Told:
    report = view.lead
    day = report.published_at.toordinal()
    return Told(report.title, report.text[:READ], report.language, report.source.name, day)


def _text(article: Article) -> str:
    """The report's words where there is one, else the article's own: what was there when the topics were chosen."""
    report = article.report
    return (report.text if report and report.text else f"{article.excerpt}\n{plain(article.body)}")[:READ]


def _outlet(article: Article) -> str:
    """Never a person's name, as ``credit`` may be."""
    return article.report.source.name if article.report else ""


def _day(article: Article, now: datetime) -> int:
    return (article.published_at or now).toordinal()
