"""The editor is told when the source of an article changed, sees what changed, and says that she has seen it."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from test_articles_actions import NOW, make_story

from handbill.articles import actions
from handbill.articles.models import Article
from handbill.articles.queries import needing_a_look
from handbill.wire.models import Report
from handbill.wire.rewrite import mark_returned, mark_withdrawn, rewrite

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=3)
TEXT = "The bridge over the Alder closes on Monday. Nine people were hurt."


@pytest.fixture
def desk(client):
    ada = get_user_model().objects.create_user("ada", "ada@paper.example", "correct horse battery")
    ada.groups.add(Group.objects.get(name="Editors"))
    client.force_login(ada)
    return client


@pytest.fixture
def article():
    story = make_story("Alder bridge closes")
    Report.objects.update(text=TEXT)
    return actions.take_story(story.pk, NOW, publish=True)


def change(article: Article, text: str = TEXT.replace("Nine", "Ten"), title: str = "") -> Report:
    report = Report.objects.get(pk=article.report_id)
    assert rewrite(report, LATER, title=title or report.title, text=text, body_html=text) == ""
    return report


def test_an_article_whose_report_changed_is_flagged_wherever_it_is_shown(desk, article):
    edition = article.edition
    assert not needing_a_look().exists() and b"desk-flag" not in desk.get("/articles/").content
    report = change(article)
    assert [row.pk for row in needing_a_look()] == [article.pk]
    assert b"desk-flag" in desk.get("/articles/").content
    assert b"article whose source changed" in desk.get("/").content
    assert article.headline in desk.get("/articles/?state=look").content.decode()
    page = desk.get(f"/articles/edit/{article.pk}/").content.decode()
    assert "The outlet has changed this report since." in page and f"/reports/{report.pk}/changes/" in page
    article.refresh_from_db()
    assert article.edition == edition and "Ten" not in article.excerpt, "readers see nothing of it"


def test_the_difference_is_shown_until_it_was_seen(desk, article):
    report = change(article)
    address = f"/reports/{report.pk}/changes/"
    page = desk.get(address).content.decode()
    assert "1 sentence reworded" in page
    assert "Removed: </span>Nine<" in page and "Added: </span>Ten<" in page
    assert desk.get(address + "seen/").status_code == 405
    assert needing_a_look().exists(), "looking alone changes nothing"
    answer = desk.post(address + "seen/", {"number": "1"})
    assert answer["Location"] == f"/articles/edit/{article.pk}/" and not needing_a_look().exists()
    assert "I have seen it" not in desk.get(address).content.decode()
    change(article, TEXT.replace("Nine", "Twelve"))
    page = desk.get(address).content.decode()
    assert "Added: </span>Twelve<" in page and "Removed: </span>Ten<" in page, "only what is new to her"
    assert "Removed: </span>Nine<" in desk.get(address + "?version=1").content.decode()
    for wrong in ("?version=9", "?version=x", "?version=" + "9" * 30):
        assert desk.get(address + wrong).status_code == 200


def test_what_changed_while_she_looked_is_not_taken_for_seen(desk, article):
    report = change(article)
    change(article, TEXT.replace("Nine", "Twelve"))
    desk.post(f"/reports/{report.pk}/changes/seen/", {"number": "1"})
    assert needing_a_look().exists()
    for number in ("3", "", "-1", "x"):
        assert desk.post(f"/reports/{report.pk}/changes/seen/", {"number": number}).status_code == 404


def test_editing_and_publishing_neither_hide_nor_undo_what_was_seen(desk, article):
    report = change(article)
    actions.publish(Article.objects.get(), NOW)
    assert needing_a_look().exists()
    stale = Article.objects.get()
    actions.mark_report_seen(report.pk, 1)
    stale.save()
    actions.publish(stale, NOW)
    assert not needing_a_look().exists()


def test_an_article_taken_after_the_change_is_not_flagged(desk):
    story = make_story("Alder bridge closes")
    report = Report.objects.first()
    rewrite(report, NOW, title=report.title, text="Other words.", body_html="")
    actions.take_story(story.pk, LATER)
    assert not needing_a_look().exists()


def test_a_withdrawn_report_says_so_and_offers_to_unpublish(desk, article):
    mark_withdrawn(article.report_id, LATER)
    mark_withdrawn(article.report_id, LATER)
    assert Report.objects.get(pk=article.report_id).alterations == 1
    assert b"taken back" in desk.get("/articles/").content
    unpublish = f"/articles/unpublish/{article.pk}/"
    for address in (f"/articles/edit/{article.pk}/", f"/reports/{article.report_id}/changes/"):
        page = desk.get(address).content.decode()
        assert "has taken this report back" in page and unpublish in page
    mark_returned([article.report_id], LATER)
    assert "it stands there again" in desk.get(f"/reports/{article.report_id}/changes/").content.decode()


def test_hostile_words_stay_words(desk, article):
    report = change(article, "<script>alert(1)</script> " + TEXT, title="<b>Loud</b>")
    page = desk.get(f"/reports/{report.pk}/changes/").content.decode()
    assert "<script>alert" not in page and "<b>Loud" not in page and "&lt;script&gt;" in page


def test_only_who_edits_articles_may_see_and_say_so(client, desk, article):
    report = change(article)
    client.logout()
    assert client.get(f"/reports/{report.pk}/changes/").status_code == 302
    bob = get_user_model().objects.create_user("bob", "bob@paper.example", "x", is_staff=True)
    client.force_login(bob)
    assert client.post(f"/reports/{report.pk}/changes/seen/", {"number": "1"}).status_code in (302, 403)
    assert needing_a_look().exists()


def test_the_list_asks_for_no_report(desk, article, django_assert_max_num_queries):
    change(article)
    with django_assert_max_num_queries(40) as counted:
        desk.get("/articles/")
    assert not [query for query in counted.captured_queries if 'FROM "wire_report"' in query["sql"]]
