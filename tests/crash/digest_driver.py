"""A process to be killed: ``seed`` makes readers of three slots and articles, ``send`` sends today's issues.

``approve`` lets an alert go, and ``alert`` sends it.
"""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime, timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402

from handbill.articles.models import Article  # noqa: E402
from handbill.delivery.address import address_hash  # noqa: E402
from handbill.digest import actions, alerts  # noqa: E402
from handbill.kit.crypto import seal  # noqa: E402
from handbill.subscribers.models import Subscriber, Subscription  # noqa: E402
from handbill.subscribers.wishes import write_audience  # noqa: E402
from handbill.topics.models import Topic  # noqa: E402

NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def seed(count: int) -> None:
    topics = [Topic.objects.create(name=f"Topic {number}", slug=f"topic-{number}") for number in range(6)]
    for number in range(30):
        article = Article(headline=f"Story {number}", slug=f"story-{number}", excerpt="News.", live=True)
        article.published_at = NOON - timedelta(minutes=number + 1)
        article.topics = [topics[number % 6]]
        article.save()
    people, subscriptions = [], []
    for number in range(count):
        address = f"reader{number}@readers.example"
        person = Subscriber(id=uuid.UUID(int=number + 1), created_at=NOON, confirmed_at=NOON, wants_alerts=True)
        person.address_hash = address_hash(address)
        person.address_sealed = seal(settings.KEYS.address, address, str(person.id))
        person.hour, person.form = (None, 7, 18)[number % 3], ("excerpts", "headlines")[number % 5 == 0]
        people.append(person)
        chosen = [topic for place, topic in enumerate(topics) if (number % 64) >> place & 1] or [None]
        person.audience = write_audience(topic and topic.pk for topic in chosen)
        subscriptions += [Subscription(subscriber=person, topic=topic, started_at=NOON) for topic in chosen]
    Subscriber.objects.bulk_create(people, batch_size=500)
    Subscription.objects.bulk_create(subscriptions, batch_size=500)


def moment() -> datetime:
    """After the lease of whom a kill left with it."""
    return NOON + timedelta(minutes=2 * int(sys.argv[2]))


if __name__ == "__main__":
    if sys.argv[1] == "seed":
        seed(int(sys.argv[2]))
    elif sys.argv[1] == "approve":
        article = Article.objects.get(slug="story-1")
        alerts.approve(article, article.topics.get(), NOON - timedelta(minutes=10), "ada")
    else:
        print("ready", flush=True)
        print(alerts.send_due(moment()) and "Sent()" if sys.argv[1] == "alert" else actions.send_now(NOON), flush=True)
