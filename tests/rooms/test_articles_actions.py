"""Taking, publishing, withdrawing and undoing: what readers see and what history says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import connection, connections

from handbill.articles import actions, queries
from handbill.articles.models import Article, Series
from handbill.sources.models import Feed, Source
from handbill.stories.models import Member, Story
from handbill.stories.series import series_of
from handbill.topics.models import Topic
from handbill.wire.models import Report

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TEXT = "The bridge over the Alder closes on Monday. Repairs will take nine weeks. Buses go by the mill road instead."


def make_story(*titles: str, outlets: list[str] | None = None, backlog: bool = False, at: datetime = NOW) -> Story:
    story = Story.objects.create(title=titles[0], language="en", opened_at=at, latest_at=at, outlets=len(titles))
    for place, title in enumerate(titles):
        name = (outlets or ["Alder Post", "Mill Gazette", "Quay Wire"])[place]
        slug = name.lower().replace(" ", "-")
        source, _ = Source.objects.get_or_create(slug=slug, defaults={"name": name, "licence": "CC BY 4.0"})
        feed, _ = Feed.objects.get_or_create(address=f"https://{slug}.example/feed", defaults={"source": source})
        report = Report.objects.create(
            source=source,
            feed=feed,
            identity=f"{story.pk}-{place}",
            title=title,
            text=TEXT,
            language="en",
            address=f"https://{slug}.example/{story.pk}",
            categories=["City"],
            published_at=at - timedelta(minutes=place),
            filed_at=at,
            backlog=backlog,
        )
        mark = series_of(title)
        series, number = (mark.name, mark.number) if mark else ("", None)
        Member.objects.create(
            report=report, story=story, why=[["said", ["It opened the story."]]], series=series, number=number
        )
    return story


@pytest.fixture
def city(db) -> Topic:
    return Topic.objects.create(name="City", slug="city")


def editor(name: str = "ada") -> object:
    user = get_user_model().objects.create_user(name, f"{name}@paper.example", "correct horse battery")
    user.groups.add(Group.objects.get(name="Editors"))
    return user


def test_a_taken_story_is_a_draft_with_credit_link_and_suggested_topics(city):
    story = make_story("Alder bridge closes", "Bridge shut for weeks")
    article = actions.take_story(story.pk, NOW)
    assert not article.live and article.edition == 0 and article.published_at is None
    assert article.headline == article.report.title
    assert article.excerpt and article.excerpt.endswith(".")
    assert {article.credit, *article.also_reported} == {"Alder Post", "Mill Gazette"}
    assert article.source_address == article.report.address and article.licence == "CC BY 4.0"
    assert [topic.name for topic in article.topics.all()] == ["City"]
    assert article.latest_revision.as_object().topics.all()[0] == city, "topics are revisioned with the article"
    assert not queries.published().exists()


@pytest.mark.parametrize(
    ("setting", "licence", "excerpt"),
    [
        (15, "", "The bridge over the Alder closes on Monday. Repairs will take nine weeks."),
        (100, "at most 10 words", "The bridge over the Alder closes on Monday."),
        (100, "headlines only", ""),
        (0, "CC BY 4.0", ""),
    ],
)
def test_no_more_is_quoted_than_setting_and_licence_allow(city, setting, licence, excerpt):
    story = make_story("Alder bridge closes")
    Source.objects.update(excerpt_words=setting)
    Report.objects.update(licence=licence)
    assert actions.take_story(story.pk, NOW).excerpt == excerpt


def test_taking_again_gives_the_same_article(city):
    story = make_story("Alder bridge closes")
    first = actions.take_story(story.pk, NOW)
    again = actions.take_story(story.pk, NOW, publish=True)
    assert again.pk == first.pk and again.live
    assert actions.take_story(story.pk, NOW, publish=True).edition == again.edition == 1


def test_a_story_that_is_gone_is_named(db):
    with pytest.raises(Story.DoesNotExist):
        actions.take_story(4711, NOW)


@pytest.mark.django_db(transaction=True)
def test_two_editors_taking_at_once_make_one_article(migrated):
    story = make_story("Alder bridge closes")

    def take(_: int) -> int:
        try:
            return actions.take_story(story.pk, NOW).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(take, range(4)))) == 1
    assert Article.objects.count() == 1


def test_every_public_change_raises_the_edition_and_the_first_date_stays(city):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW, publish=True)
    assert (article.edition, article.published_at, article.first_published_at) == (1, NOW, NOW)
    article = actions.withdraw(article)
    assert (article.edition, article.live) == (2, False)
    article = actions.publish(article, NOW + timedelta(days=1))
    assert (article.edition, article.published_at, article.live) == (3, NOW, True)


def test_publishing_an_old_revision_again_does_not_bring_its_edition_back(city):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW, publish=True)
    old = article.latest_revision
    article.headline = "Alder bridge closes early"
    article = actions.publish(_saved(article), NOW)
    assert (article.edition, article.headline) == (2, "Alder bridge closes early")
    old.publish()
    article.refresh_from_db()
    assert (article.edition, article.headline, article.published_at) == (3, "Alder bridge closes", NOW)


def _saved(article: Article) -> Article:
    article.save_revision()
    return article


def test_saving_a_stale_copy_keeps_the_edition(city):
    stale = actions.take_story(make_story("Alder bridge closes").pk, NOW, publish=True)
    actions.withdraw(stale)
    stale.save()
    stale.refresh_from_db()
    assert stale.edition == 2


def test_undo_deletes_a_draft_and_withdraws_what_was_public(city):
    story = make_story("Alder bridge closes")
    actions.undo_take(actions.take_story(story.pk, NOW).pk)
    assert not Article.objects.exists()
    article = actions.take_story(story.pk, NOW, publish=True)
    actions.undo_take(article.pk)
    article.refresh_from_db()
    assert not article.live and article.edition == 2
    actions.undo_take(article.pk)
    actions.undo_take(4711)
    assert Article.objects.count() == 1


def test_undo_leaves_an_article_of_ones_own_alone(db):
    own = Article.objects.create(headline="Our view", live=False)
    actions.undo_take(own.pk)
    assert Article.objects.filter(pk=own.pk).exists()


def test_who_may_not_publish_does_not(db):
    visitor = get_user_model().objects.create_user("cy")
    story = make_story("Alder bridge closes")
    with pytest.raises(PermissionDenied):
        actions.take_story(story.pk, NOW, user=visitor, publish=True)
    assert not Article.objects.filter(live=True).exists()
    assert actions.take_story(story.pk, NOW, user=editor(), publish=True).live


def test_backlog_keeps_its_own_date_and_is_never_mailed(city):
    then = NOW - timedelta(days=9)
    article = actions.take_story(make_story("Old news", backlog=True, at=then).pk, NOW, publish=True)
    assert article.published_at == then and not article.in_digest
    assert queries.candidates(then - timedelta(days=1), NOW + timedelta(days=1)) == []


def harbour_works(number: int) -> Story:
    at = NOW + timedelta(days=number)
    return make_story(f"Harbour Works Day {number}: cranes", at=at)


def test_a_series_number_is_given_once(city):
    alone = actions.take_story(make_story("Harbour Works Day 11: mud", at=NOW - timedelta(days=1)).pk, NOW)
    assert alone.series is None, "one part makes no series"
    first = actions.take_story(make_story("Harbour Works Day 12: cranes").pk, NOW)
    second = actions.take_story(make_story("Harbour Works Day 12: piles").pk, NOW)
    assert first.series == second.series == Series.objects.get()
    assert (first.series_number, second.series_number) == (12, None)


def test_one_part_makes_no_series_and_the_second_takes_in_the_first(city):
    stories = [harbour_works(3)]
    public = actions.take_story(stories[0].pk, NOW, publish=True)
    assert public.series is None and not Series.objects.exists()
    draft = actions.take_story(harbour_works(5).pk, NOW)
    public.refresh_from_db()
    assert public.series == draft.series == Series.objects.get(name="Harbour Works")
    assert (public.series_number, draft.series_number) == (3, 5)
    assert public.live and public.edition == 2 and not public.has_unpublished_changes


def test_the_first_part_with_a_newer_draft_stays_as_readers_see_it(city):
    public = actions.take_story(harbour_works(3).pk, NOW, publish=True)
    public.headline = "A better headline"
    public.save_revision()
    actions.take_story(harbour_works(5).pk, NOW)
    public.refresh_from_db()
    assert public.series is None and public.get_latest_revision_as_object().series_number == 3


def test_top_stories_are_those_most_outlets_reported_once_a_day(city):
    make_story("One voice")
    make_story("Two voices", "Two voices more")
    make_story("Three voices", "Three voices more", "Three voices still")
    assert actions.take_top_stories(2, NOW) == 2
    assert set(queries.published().values_list("story__outlets", flat=True)) == {3, 2}
    assert actions.take_top_stories(2, NOW + timedelta(hours=1)) == 0
    assert actions.take_top_stories(2, NOW + timedelta(days=1)) == 1


def test_what_is_scheduled_goes_public_and_expires(city):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW)
    soon = datetime.now(UTC) + timedelta(hours=1)
    article.go_live_at = soon
    article.save_revision().publish()
    article.refresh_from_db()
    assert not article.live and article.edition == 0, "a schedule alone changes nothing in public"
    assert actions.publish_scheduled(soon - timedelta(minutes=1)) == 0
    _bring_forward(article)
    assert actions.publish_scheduled(datetime.now(UTC)) == 1
    article.refresh_from_db()
    assert article.live and article.edition == 1 and article.published_at
    Article.objects.filter(pk=article.pk).update(expire_at=NOW)
    assert actions.publish_scheduled(NOW + timedelta(seconds=1)) == 1
    article.refresh_from_db()
    assert not article.live and article.edition == 2 and article.expired


def _bring_forward(article: Article) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    revision = article.latest_revision
    revision.approved_go_live_at = past
    revision.content["go_live_at"] = past.isoformat()
    revision.save()


def test_candidates_are_half_open_and_cost_two_queries(city, django_assert_num_queries):
    articles = [
        actions.take_story(make_story(f"Story {n}").pk, NOW + timedelta(hours=n), publish=True) for n in range(4)
    ]
    with django_assert_num_queries(2):
        found = queries.candidates(NOW, NOW + timedelta(hours=3))
    assert [candidate.id for candidate in found] == [article.pk for article in articles[:3]]
    assert found[0].topic_ids == {city.pk} and found[0].outlets == 1


def test_letter_items_keep_the_order_and_know_the_series(city, django_assert_num_queries):
    Series.objects.create(name="Harbour Works")
    days = [actions.take_story(make_story(f"Harbour Works Day {n}: cranes").pk, NOW, publish=True) for n in (1, 2, 3)]
    gone = actions.take_story(make_story("Withdrawn").pk, NOW)
    with django_assert_num_queries(3):
        items = queries.letter_items([days[2].pk, gone.pk, days[0].pk])
    assert [item.id for item in items] == [days[2].pk, days[0].pk]
    assert items[0].series_previous_slug == days[1].slug and items[1].series_previous_slug == ""
    assert items[0].topics == ("City",) and items[0].series_number == 3 and not items[0].own


def test_an_address_stays_when_the_headline_changes_and_is_never_given_twice(city):
    first = actions.take_story(make_story("Мост закрыт").pk, NOW, publish=True)
    second = actions.take_story(make_story("Мост закрыт").pk, NOW, publish=True)
    assert first.slug == "мост-закрыт" and second.slug == "мост-закрыт-2"
    first.headline = "Мост открыт"
    assert actions.publish(_saved(first), NOW).slug == "мост-закрыт"


def test_the_default_workflow_stands_ready(db):
    workflow = Article(headline="x").get_workflow()
    assert workflow is not None and workflow.active
    assert {group.name for task in workflow.tasks for group in task.specific.groups.all()} == {"Editors", "Admins"}


def test_numbers_for_the_desk(city, django_assert_max_num_queries):
    make_story("Waits")
    actions.take_story(make_story("Draft").pk, NOW)
    actions.take_story(make_story("Public").pk, NOW, publish=True)
    with django_assert_max_num_queries(4):
        found = queries.numbers(NOW - timedelta(hours=1))
    assert (found.waiting, found.published, found.drafts, found.changed, found.scheduled) == (1, 1, 1, 0, 0)


@pytest.fixture
def migrated(transactional_db):
    """The rows that a transactional test finds gone; on SQLite the file must be one that threads can share."""
    if connection.vendor == "sqlite" and "mode=memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("an in-memory SQLite database is shared by one lock; PostgreSQL shows this")
