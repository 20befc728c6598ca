"""Count each public change, whoever makes it: an action of this room, Wagtail's screens, or its schedule.

A receiver is a shell: the time is the one Wagtail noted with the change.
"""

from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.dispatch import receiver
from wagtail.signals import published, unpublished

from handbill.articles.models import Article


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


def _change(article: Article, changes: dict[str, Any]) -> None:
    Article.objects.filter(pk=article.pk).update(**changes)
    article.refresh_from_db(fields=list(changes))
