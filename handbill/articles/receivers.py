"""Count each public change, whoever makes it: an action of this room, Wagtail's screens, or its schedule.

A new name of a series and another file for a picture are such changes too: readers see them on its articles.

An article goes along when an editor puts its report into another story; readers see nothing of it.
A receiver is a shell: the time is the one Wagtail noted with the change.
"""

from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.db.models.signals import pre_delete, pre_save
from django.dispatch import receiver
from wagtail.images.models import Rendition
from wagtail.signals import published, unpublished

from handbill.articles.models import Article, Series
from handbill.stories.models import Member, Ruling
from handbill.stories.signals import reports_moved


@receiver(published, sender=Article)
def count_publication(instance: Article, **kwargs: Any) -> None:
    """Raise the edition and keep the first publication's time. A first schedule alone changes nothing in public."""
    if not instance.live and not instance.edition:
        return
    changes: dict[str, Any] = {"edition": F("edition") + 1}
    if instance.live:
        changes["published_at"] = Coalesce("published_at", instance.last_published_at)
    _change(instance, changes)


@receiver(unpublished, sender=Article)
def count_withdrawal(instance: Article, **kwargs: Any) -> None:
    _change(instance, {"edition": F("edition") + 1})


@receiver(pre_save, sender=Series)
def count_renaming(instance: Series, **kwargs: Any) -> None:
    if Series.objects.filter(pk=instance.pk).exclude(name=instance.name).exists():
        _raise_editions(Q(series=instance.pk))


@receiver(pre_delete, sender=Rendition)
def count_picture(instance: Rendition, **kwargs: Any) -> None:
    """Wagtail drops the sizes it made when a picture's file is replaced or the picture is deleted."""
    image = instance.image_id
    _raise_editions(Q(image=image) | Q(body__contains="<embed", body__regex=rf'<embed[^>]* id="{image}"'))


@receiver(reports_moved, sender=Ruling)
def follow_reports(stories: set[int], **kwargs: Any) -> None:
    """Hang each article to the story where its report is now; where two would meet, the one that was there stays."""
    place = dict(Member.objects.filter(story__in=stories).values_list("report", "story"))
    articles = list(Article.objects.filter(report__in=place).order_by("pk").values_list("pk", "story", "report"))
    stray = {pk: place[report] for pk, story, report in articles if story != place[report]}
    Article.objects.filter(pk__in=stray).update(story=None)
    held = set(Article.objects.filter(story__in=stories).values_list("story", flat=True))
    for pk, story in stray.items():
        if story not in held:
            Article.objects.filter(pk=pk).update(story=story)
            held.add(story)


def _raise_editions(shown: Q) -> None:
    Article.objects.filter(shown, live=True).update(edition=F("edition") + 1)


def _change(article: Article, changes: dict[str, Any]) -> None:
    Article.objects.filter(pk=article.pk).update(**changes)
    article.refresh_from_db(fields=list(changes))
