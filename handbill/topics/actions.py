"""Change the list of topics."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from handbill.kit.text import slugify
from handbill.topics.models import Topic

_NAME = 100
_SLUG = 80


def topic_named(name: str) -> Topic:
    """The topic of that name (letter case and outer spaces don't count), made at the end of the list if it is new.

    Raises ValueError when ``name`` is empty. Two calls at once make one topic.
    """
    name = " ".join(name.split())[:_NAME]
    if not name:
        raise ValueError("A topic needs a name.")
    found = Topic.objects.filter(name__iexact=name).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return Topic.objects.create(name=name, slug=_free_slug(name), position=Topic.objects.count() + 1)
    except IntegrityError:
        return Topic.objects.get(name=name)


def _free_slug(name: str) -> str:
    base = slugify(name, _SLUG - 4)
    taken = set(Topic.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)
