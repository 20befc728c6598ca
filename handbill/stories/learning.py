"""Keep the choices of topics that ``articles`` hands down, and learn from them anew in the background (ADR-0043)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from django.db import transaction
from django.db.models import Count, Max, Sum

from handbill.stories import suggest
from handbill.stories.models import Example, TopicSense
from handbill.stories.records import Chosen
from handbill.topics.models import Topic
from handbill.work.actions import standing_job

EVERY = timedelta(minutes=5)  # between two learnings, at least
LEASE_SECONDS = 900
_THROUGH = Example.topics.through
_BATCH = 200


def keep_choices(choices: Iterable[Chosen], now: datetime) -> int:
    """Keep each as the example of its article, in place of what was told of it before. Returns how many."""
    kept = {choice.article: choice for choice in choices}
    rows = [_row(choice, now) for choice in kept.values()]
    with transaction.atomic():
        Example.objects.filter(article__in=list(kept)).delete()
        Example.objects.bulk_create(rows, batch_size=_BATCH)
        topics = [_THROUGH(example=row, topic_id=pk) for row in rows for pk in kept[row.article].topics]
        _THROUGH.objects.bulk_create(topics, batch_size=_BATCH)
    return len(rows)


def forget_choices(articles: Collection[int]) -> None:
    """Learn no more from these articles: they are no longer public, or have no topic."""
    gone = list(articles)
    for start in range(0, len(gone), _BATCH):
        Example.objects.filter(article__in=gone[start : start + _BATCH]).delete()


def learn_topics(now: datetime) -> bool:
    """Learn anew from all examples, if they changed since it was done last; whether it was.

    Harmless to repeat. Costs seconds of CPU, so at most once in EVERY, by one worker, in no request.
    """
    with standing_job("learn topics", now, LEASE_SECONDS, every=EVERY) as held:
        return held and _learn()


def _learn() -> bool:
    state = _state()
    if TopicSense.objects.filter(pk=1, learned_of=state).exists():
        return False
    names = dict(Topic.objects.values_list("pk", "name"))
    learned = suggest.learn(_choices(names), names)
    data = suggest.dump(learned) if learned else b""
    row = {"data": data, "learned_of": state, "digest": sha256(data).hexdigest()}
    TopicSense.objects.update_or_create(pk=1, defaults=row)
    return True


def _state() -> str:
    """Changes with every change of the examples, a topic deleted included."""
    found = Example.objects.aggregate(count=Count("pk"), newest=Max("pk"))
    topics = _THROUGH.objects.aggregate(count=Count("pk"), sum=Sum("topic_id"))
    return f"{suggest.FORMAT}: {found['count']} {found['newest']} {topics['count']} {topics['sum']}"


def _choices(names: Mapping[int, str]) -> Iterator[suggest.Choice]:
    """The newest examples as they are read, a few texts at a time."""
    topics: dict[int, set[int]] = {}
    for example, topic in _THROUGH.objects.values_list("example_id", "topic_id"):
        topics.setdefault(example, set()).add(topic)
    rows = Example.objects.order_by("-day", "-article").values_list("pk", "title", "text", "language", "outlet", "day")
    for pk, title, text, language, outlet, day in rows[: suggest.MOST].iterator(chunk_size=_BATCH):
        if pk in topics:
            yield suggest.read(suggest.Told(title, text, language, outlet, day), topics[pk], names)


def learned() -> suggest.Learned | None:
    """What was learned last; None while there is too little. Read once for each learning, then kept by the process."""
    digest = TopicSense.objects.filter(pk=1).values_list("digest", flat=True).first()
    return None if digest is None else _loaded(digest)


@lru_cache(maxsize=1)
def _loaded(digest: str) -> suggest.Learned | None:
    data = TopicSense.objects.filter(digest=digest).values_list("data", flat=True).first()
    try:
        return suggest.load(bytes(data)) if data else None
    except ValueError:  # an older release's; it is learned anew within minutes
        return None


def _row(choice: Chosen, now: datetime) -> Example:
    return Example(
        article=choice.article,
        edition=choice.edition,
        title=choice.title[:300],
        text=choice.text[: suggest.READ],
        language=choice.language[:35],
        outlet=choice.outlet[:200],
        day=choice.day,
        told_at=now,
    )
