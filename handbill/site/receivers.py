"""What is deleted takes its rows with it, so its pages are marked in the same transaction, just before."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from handbill.articles.models import Article, Series
from handbill.site import guests
from handbill.site.models import Entry, Page
from handbill.site.plan import Archive
from handbill.site.stale import article_path, mark_archive, mark_stale, series_articles, series_path
from handbill.topics.models import Topic


@receiver(pre_delete, sender=Article, dispatch_uid="site_article_deleted")
def article_deleted(instance: Article, **_: Any) -> None:
    """Its own page, every archive page that shows it, its series, and other rooms' pages that show it."""
    rows = Entry.objects.filter(article=instance).select_related("topic")
    instance._site_places = [(entry.topic, entry.position) for entry in rows]
    paths = [article_path(instance.slug), *guests.showing([instance.pk])]
    if instance.series:
        paths += [series_path(instance.series.slug), *series_articles(instance.series_id)]
    mark_stale(paths)


@receiver(post_delete, sender=Article, dispatch_uid="site_article_gone")
def article_gone(instance: Article, **_: Any) -> None:
    """The archives are looked at once its entries are gone: which is the newest page, and what the top page shows."""
    for topic, position in getattr(instance, "_site_places", []):
        mark_archive(topic, [position])


@receiver(pre_delete, sender=Topic, dispatch_uid="site_topic_deleted")
def topic_deleted(instance: Topic, **_: Any) -> None:
    """Every page below its address; pages of its articles follow from the changed navigation."""
    prefix = Archive(instance.slug).top
    mark_stale(Page.objects.filter(path__startswith=prefix).values_list("path", flat=True))


@receiver(pre_delete, sender=Series, dispatch_uid="site_series_deleted")
def series_deleted(instance: Series, **_: Any) -> None:
    """Its page, its articles and the archive pages they stand on."""
    mark_stale([series_path(instance.slug), *series_articles(instance.pk)])
    for entry in Entry.objects.filter(article__series=instance).select_related("topic"):
        mark_archive(entry.topic, [entry.position])
