"""Choices of topics are handed down, learned in the background, and suggested; never assigned unless told to."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from handbill.articles import actions as articles
from handbill.articles.models import Article
from handbill.articles.teaching import tell_choices, topics_for
from handbill.sources.models import Feed, Source
from handbill.stories import suggest
from handbill.stories.actions import learn_topics
from handbill.stories.models import Example, Member, Story, TopicSense
from handbill.stories.queries import learned_topics, learned_topics_of, learning
from handbill.topics.models import Topic
from handbill.wire.models import Report

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
BRIDGE = "The bridge over the river is shut and the ferry runs instead while engineers mend the pier."
SCHOOL = "The school has a new teacher and every pupil sits an exam in the old classroom this summer."


@pytest.fixture
def topics() -> tuple[Topic, Topic]:
    return Topic.objects.create(name="Bridges", slug="bridges"), Topic.objects.create(name="Schools", slug="schools")


def publish(headline: str, excerpt: str, *topics: Topic, credit: str = "") -> Article:
    article = Article.objects.create(
        headline=headline, excerpt=excerpt, live=True, edition=1, published_at=NOW, language="en", credit=credit
    )
    article.topics.set(topics)
    article.save()
    return article


def publish_many(topics: tuple[Topic, Topic], count: int = suggest.LEAST) -> None:
    rows = [
        Article(
            headline=f"Part {n}", slug=f"part-{n}", excerpt=(BRIDGE, SCHOOL)[n % 2], live=True, edition=1,
            published_at=NOW, language="en",
        )
        for n in range(count)
    ]  # fmt: skip
    through = Article.topics.through
    made = Article.objects.bulk_create(rows)
    through.objects.bulk_create(through(article=row, topic=topics[n % 2]) for n, row in enumerate(made))


def round_at(minutes: int) -> tuple[int, bool]:
    at = timezone.now() + timedelta(minutes=minutes)
    return tell_choices(at), learn_topics(at)


def make_story() -> Story:
    source = Source.objects.create(name="Alder Post", slug="alder")
    feed = Feed.objects.create(source=source, address="https://alder.example/feed")
    story = Story.objects.create(title="Bridge shut", language="en", opened_at=NOW, latest_at=NOW)
    report = Report.objects.create(
        source=source, feed=feed, identity="1", title="River bridge shut", text=BRIDGE, language="en",
        address="https://alder.example/1", published_at=NOW, filed_at=NOW,
    )  # fmt: skip
    Member.objects.create(report=report, story=story)
    return story


def asked(title: str = "Bridge over the river", text: str = BRIDGE) -> list[str]:
    return [each.topic.name for each in learned_topics(suggest.Told(title, text, "en", "", NOW.toordinal()))]


def test_it_is_silent_and_says_how_far_it_is(topics):
    publish_many(topics, 40)
    assert round_at(0) == (40, True)
    assert asked() == []
    assert (learning().examples, learning().needed) == (40, suggest.LEAST)


def test_what_was_learned_is_suggested_and_not_assigned(topics):
    publish_many(topics)
    assert round_at(0) == (suggest.LEAST, True)
    assert asked()[0] == "Bridges"
    article = articles.take_story(make_story().pk, NOW)
    assert list(article.topics.all()) == []
    found = topics_for(article, NOW)
    assert found[0].topic == topics[0]
    assert found[0].confidence > 0.5
    assert {"bridge", "river"} & {word for each in found[0].words for word in each.split()}


def test_the_newsroom_may_have_likely_topics_assigned(topics, settings):
    settings.HANDBILL = replace(settings.HANDBILL, auto_topics=True)
    publish_many(topics)
    round_at(0)
    assert list(articles.take_story(make_story().pk, NOW).topics.all()) == [topics[0]]


def test_topics_an_article_has_are_not_suggested(topics):
    publish_many(topics)
    round_at(0)
    article = articles.take_story(make_story().pk, NOW, topic_ids=[topics[0].pk])
    assert topics[0] not in [each.topic for each in topics_for(article, NOW)]


def test_a_choice_is_told_once_and_learned_when_it_changes(topics):
    publish_many(topics)
    round_at(0)
    assert round_at(10) == (0, False)
    article = Article.objects.first()
    article.topics.set([topics[1]])
    article.edition += 1
    Article.objects.filter(pk=article.pk).update(edition=article.edition)
    article.save()
    assert round_at(20) == (1, True)
    assert list(Example.objects.get(article=article.pk).topics.all()) == [topics[1]]


def test_the_rounds_keep_their_distance(topics):
    publish_many(topics, 3)
    assert round_at(0) == (3, True)
    publish("One more", BRIDGE, topics[0])
    assert round_at(0) == (0, False)
    assert round_at(6) == (1, True)


def test_withdrawn_deleted_and_topicless_articles_are_forgotten(topics):
    withdrawn, deleted, bare = (publish(f"Part {n}", BRIDGE, topics[0]) for n in range(3))
    round_at(0)
    assert Example.objects.count() == 3
    articles.withdraw(withdrawn)
    deleted.delete()
    bare.topics.set([])
    bare.save()
    assert round_at(10) == (0, True)
    assert Example.objects.count() == 0


def test_a_topic_renamed_retired_or_deleted_stays_right(topics):
    publish_many(topics)
    round_at(0)
    Topic.objects.filter(pk=topics[0].pk).update(name="Crossings")
    assert asked()[0] == "Crossings"
    Topic.objects.filter(pk=topics[0].pk).update(retired=True)
    assert "Crossings" not in asked()
    Article.objects.filter(topics=topics[0]).delete()
    topics[0].delete()
    assert "Crossings" not in asked()
    assert round_at(10)[1]


def test_an_imported_archive_teaches_too(db):
    entries = "\n\n".join(f"Bridge part {n}\n\n{BRIDGE} Number {n} of many is told here." for n in range(5))
    made = articles.import_archive(entries, NOW, "Bridges").articles
    assert made > 1
    assert round_at(0)[0] == made
    assert set(Example.objects.values_list("topics__name", flat=True)) == {"Bridges"}


def test_no_persons_name_is_kept(topics):
    publish("By hand", BRIDGE, topics[0], credit="Ada Lantern")
    round_at(0)
    assert "Ada" not in str(Example.objects.values().get())


def test_a_draft_teaches_nothing(topics):
    article = publish("A draft", BRIDGE, topics[0])
    Article.objects.filter(pk=article.pk).update(live=False)
    assert round_at(0) == (0, True)
    assert not Example.objects.exists()


def test_another_process_reads_what_was_learned_anew(topics):
    publish_many(topics)
    round_at(0)
    first = TopicSense.objects.get()
    assert asked()
    Example.objects.all().delete()
    Article.objects.all().delete()
    round_at(10)
    assert TopicSense.objects.get().digest != first.digest
    assert asked() == []


def test_what_an_older_release_learned_is_learned_anew(topics):
    publish_many(topics)
    round_at(0)
    learned_of = TopicSense.objects.get().learned_of.split(": ")[1]
    TopicSense.objects.update(data=b"another shape", digest="older", learned_of=learned_of)
    assert asked() == []
    assert round_at(10) == (0, True)
    assert asked()[0] == "Bridges"


def test_a_newsroom_assigns_nothing_by_itself():
    assert settings.HANDBILL.auto_topics is False


def test_the_list_offers_topics_and_a_ticked_one_comes_with_the_article(topics, client, django_user_model):
    story = make_story()
    story.outlets = 1
    story.save()
    client.force_login(django_user_model.objects.create_superuser("ada", "ada@paper.example"))
    assert "desk-topics" not in client.get("/stories/").content.decode(), "silent until enough is learned"
    publish_many(topics)
    round_at(0)
    for address in ("/stories/", f"/stories/{story.pk}/"):
        page = client.get(address).content.decode()
        ticks = re.findall(r'<input type="checkbox" name="topic" form="take-\d+" value="(\d+)"( checked)?>', page)
        assert ticks == [(str(topics[0].pk), "")], "offered, not ticked"
        assert re.search(r"Bridges</bdi> <span[^>]*>(?:very )?likely, \d+ %", page)
    client.post(f"/stories/{story.pk}/take/", {"topic": [topics[0].pk, "x", "999999"]})
    assert [topic.name for topic in Article.objects.get(story=story).topics.all()] == ["Bridges"]
    assert "desk-topics" not in client.get("/stories/?taken=1").content.decode()


def test_what_is_given_by_itself_is_not_offered_as_well(topics, client, django_user_model, settings):
    story = make_story()
    Story.objects.update(outlets=1)
    publish_many(topics)
    round_at(0)
    settings.HANDBILL = replace(settings.HANDBILL, auto_topics=True)
    client.force_login(django_user_model.objects.create_superuser("ada", "ada@paper.example"))
    assert "desk-topics" not in client.get(f"/stories/{story.pk}/").content.decode()
    client.post(f"/stories/{story.pk}/take/")
    assert [topic.name for topic in Article.objects.get(story=story).topics.all()] == ["Bridges"]


def test_offering_topics_asks_no_more_for_more_stories(topics, django_assert_num_queries):
    publish_many(topics)
    round_at(0)
    many = [suggest.Told("Bridge over the river", BRIDGE, "en", "", NOW.toordinal())] * 9
    learned_topics_of(many)
    with django_assert_num_queries(2):
        assert len(learned_topics_of(many)) == 9
