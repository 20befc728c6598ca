"""An archive comes in once, in order, undated, never mailed; hostile bodies come out harmless."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from handbill.articles import actions, queries
from handbill.articles.models import Article
from handbill.articles.templatetags.articles_tags import article_body
from handbill.kit.errors import GiveUp
from handbill.topics.actions import topic_named
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def page(*numbers: int) -> str:
    said = "The council met and heard what the ferry will cost. It votes next week."
    return "Skip to content\n" + "".join(f"Ferry report number {n}\n{said} This was part {n}.\n" for n in numbers)


def headlines() -> list[str]:
    return [article.headline.split()[-1] for article in queries.published()]


def test_an_archive_keeps_its_order_without_a_date_and_is_never_mailed():
    done = actions.import_archive(page(3, 2, 1), NOW, topic_name="Ferry")
    assert (done.articles, done.topics, done.refused) == (3, 1, [])
    assert headlines() == ["3", "2", "1"]
    article = queries.published().first()
    assert not article.dated and not article.in_digest and article.credit == "" and article.edition == 1
    assert [topic.name for topic in article.topics.all()] == ["Ferry"]
    assert queries.candidates(datetime(1969, 1, 1, tzinfo=UTC), NOW) == []


def test_importing_again_adds_nothing_and_a_longer_archive_only_what_is_new():
    actions.import_archive(page(2, 1), NOW)
    assert actions.import_archive(page(2, 1), NOW).articles == 0
    assert actions.import_archive(page(4, 3, 2, 1), NOW).articles == 2
    assert headlines() == ["4", "3", "2", "1"]


def test_a_second_import_under_another_topic_files_what_is_there():
    actions.import_archive(page(1), NOW, topic_name="Ferry")
    done = actions.import_archive(page(1), NOW, topic_name="  ferry ")
    assert (done.articles, done.topics) == (0, 0)
    actions.import_archive(page(1), NOW, topic_name="Council")
    assert {topic.name for topic in Article.objects.get().topics.all()} == {"Ferry", "Council"}
    assert Topic.objects.count() == 2


def test_a_headline_twice_gets_two_addresses():
    text = "Ferry news\nThe ferry runs until midnight from now.\nFerry news\nThe ferry rests on Sundays from now.\n"
    assert actions.import_archive(text, NOW).articles == 2
    assert set(Article.objects.values_list("slug", flat=True)) == {"ferry-news", "ferry-news-2"}


def test_a_large_archive_costs_queries_by_the_hundred_not_by_the_entry(django_assert_max_num_queries):
    with django_assert_max_num_queries(120):
        assert actions.import_archive(page(*range(2000, 0, -1)), NOW, topic_name="Ferry").articles == 2000


def test_an_imported_article_opens_at_the_desk_and_can_be_published_again(admin_client):
    actions.import_archive(page(1), NOW)
    article = Article.objects.get()
    address = reverse(article.snippet_viewset.get_url_name("edit"), args=[article.pk])
    assert admin_client.get(address).status_code == 200
    assert actions.publish(article, NOW).edition == 2
    assert actions.withdraw(article).edition == 3


HOSTILE = (
    "<h2>Fine</h2><script>alert(1)</script><p onclick='x()' style='color:red'>Text"
    "<a href='javascript:alert(1)'>bad</a>"
    " <a href='https://a.example/'>good</a></p><img src=x onerror=alert(1)><img src='https://spy.example/p.gif'>"
    "<img src='//spy.example/p.gif'><img src='/media/own.jpg' alt='Own'><iframe src='https://spy.example'></iframe>"
)


def test_a_body_shows_nothing_but_what_the_toolbar_could_make():
    shown = article_body(HOSTILE)
    assert "<h2>Fine</h2>" in shown and 'href="https://a.example/"' in shown and 'src="/media/own.jpg"' in shown
    for harm in ("script", "onclick", "style=", "javascript:", "onerror", "spy.example", "iframe"):
        assert harm not in shown, harm


def export(*items: str) -> bytes:
    spaces = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:wp="http://wordpress.org/export/1.2/" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
    )
    body = "".join(items)
    return f'<?xml version="1.0"?><rss {spaces}><channel><title>Old</title>{body}</channel></rss>'.encode()


def post(title: str, day: int, body: str = HOSTILE, category: str = "Ferry") -> str:
    return (
        f"<item><title>{title}</title><dc:creator>ada</dc:creator><content:encoded><![CDATA[{body}]]></content:encoded>"
        f"<wp:post_date_gmt>2020-05-{day:02d} 08:00:00</wp:post_date_gmt><wp:post_type>post</wp:post_type>"
        f'<wp:status>publish</wp:status><category domain="category"><![CDATA[{category}]]></category></item>'
    )


def test_a_wordpress_export_comes_in_once_with_dates_topics_and_harmless_bodies():
    data = export(post("First", 1), post("Second", 2, category="Quay"))
    done = actions.import_wordpress(data, NOW)
    assert (done.articles, done.topics, done.refused) == (2, 2, [])
    article = Article.objects.get(headline="First")
    assert article.published_at == datetime(2020, 5, 1, 8, tzinfo=UTC) and article.dated and not article.in_digest
    assert article.live and article.credit == "ada" and [topic.name for topic in article.topics.all()] == ["Ferry"]
    assert "<h2>Fine</h2>" in article.body and "spy.example" not in article.body and "script" not in article.body
    assert article.excerpt and "<" not in article.excerpt
    again = actions.import_wordpress(data, NOW)
    assert (again.articles, again.topics) == (0, 0)


def test_an_export_that_breaks_off_keeps_what_came_and_says_so():
    done = actions.import_wordpress(export(post("First", 1), post("Second", 2))[:-40], NOW)
    assert done.articles >= 1 and len(done.refused) == 1


def test_a_file_that_is_no_export_is_refused_in_words():
    with pytest.raises(GiveUp, match=r"no WordPress export|not XML"):
        actions.import_wordpress(b"<html><body>No</body></html>", NOW)
    assert not Article.objects.exists()


def test_a_post_without_a_title_is_named():
    done = actions.import_wordpress(export(post("", 1), post("Titled", 2)), NOW)
    assert done.articles == 1 and "no title" in done.refused[0]


def test_headlines_that_count_together_become_a_series_and_one_alone_does_not():
    days = "".join(
        f"Operation Lantern Day {day}: Work goes on\n\nCrews worked all day {day}.\n\n" for day in (138, 137, 135)
    )
    actions.import_archive(days + "Harbour Walk Part 2: The quay\n\nA walk along the quay.\n", NOW)
    rows = Article.objects.filter(series__isnull=False).order_by("-published_at")
    assert list(rows.values_list("series__name", "series_number")) == [
        ("Operation Lantern", 138),
        ("Operation Lantern", 137),
        ("Operation Lantern", 135),
    ]
    actions.import_archive("Operation Lantern Day 139: Done\n\nThe lantern is up again.\n\n", NOW)
    assert Article.objects.get(headline__contains="139").series_number == 139


def test_an_archive_filed_under_another_topic_later_is_told_to_the_site():
    page = "Council votes for a tram\n\nThe council voted for a tram line.\n\n"
    actions.import_archive(page, NOW, topic_name="City")
    before = Article.objects.get().edition
    actions.import_archive(page, NOW, topic_name="Transport")
    assert Article.objects.get().edition == before + 1


def test_topics_of_an_import_come_after_those_the_newsroom_chose():
    for name in ("Water", "City"):
        topic_named(name)
    actions.import_archive("Old ferry news\nThe ferry ran until midnight in those days.\n", NOW, "Archive")
    assert list(Topic.objects.values_list("name", flat=True)) == ["Water", "City", "Archive"]
