"""The desk's screens: who may, what GET leaves alone, what each button does and undoes."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.files.base import ContentFile
from django.urls import reverse
from test_articles_actions import NOW, make_story
from wagtail.documents.models import Document

from handbill.articles import actions
from handbill.articles.models import Article
from handbill.desk import panels
from handbill.sources.models import Feed, Source
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db
HANDED = {"article": {"headline": "Handed in"}, "paper": {"language": "en"}}
LISTS = ["/topics/", "/series/", "/sources/", "/feeds/", "/images/", "/articles/add/", "/2fa/"]
PASSWORD = "correct horse battery"
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def ada(client):
    user = get_user_model().objects.create_user("ada", "ada@paper.example", PASSWORD)
    user.groups.add(Group.objects.get(name="Editors"))
    return user


@pytest.fixture
def desk(client, ada):
    client.force_login(ada)
    return client


def log_in(client, email: str = "ada@paper.example", password: str = PASSWORD, address: str = "/login/"):
    return client.post(address, {"login": email, "username": email, "password": password})


def test_a_stranger_is_sent_to_the_login(client):
    for address in ("/", "/stories/", "/articles/", "/2fa/", "/account/"):
        answer = client.get(address)
        assert answer.status_code == 302 and answer["Location"].startswith("/login/"), address


def test_logging_in_by_email_opens_the_desk(client, ada):
    assert log_in(client)["Location"] == "/"
    assert client.get("/").status_code == 200


def test_a_second_factor_cannot_be_passed_by(client, ada):
    TOTP.activate(ada, generate_totp_secret())
    assert log_in(client)["Location"].startswith("/2fa/authenticate/")
    assert client.get("/")["Location"].startswith("/login/"), "half a login opens nothing"
    assert "wagtail" not in client.get(reverse("wagtailadmin_login")).content.decode().lower()


@pytest.mark.parametrize("address", ["/password_reset/", "/password_reset/confirm/MQ/set-password/"])
def test_wagtails_password_reset_is_out_of_reach(client, ada, address):
    assert client.post(address, {"email": "ada@paper.example"}).status_code in (301, 302)
    page = client.get(address, follow=True)
    assert page.status_code == 200 and b"new_password" not in page.content


def test_nobody_signs_up(client):
    assert b"Nobody signs up here" in client.get("/signup/").content
    client.post("/signup/", {"email": "cy@paper.example", "password1": PASSWORD})
    assert not get_user_model().objects.filter(email="cy@paper.example").exists()


def test_a_wrong_password_is_refused_in_words(client, ada):
    page = log_in(client, password="wrong")
    assert page.status_code == 200 and "not correct" in page.content.decode()


def test_who_has_no_role_sees_no_stories(client):
    client.force_login(get_user_model().objects.create_user("cy"))
    assert client.get("/stories/").status_code == 302
    client.force_login(_guest())
    assert client.get("/stories/", follow=True).redirect_chain or client.get("/stories/").status_code == 403


def _guest():
    guest = get_user_model().objects.create_user("guest")
    guest.groups.add(Group.objects.get(name="Moderators"))
    return guest


def test_the_list_shows_outlets_reasons_and_direction(desk):
    make_story("Alder bridge closes", "Bridge shut for weeks")
    arabic = make_story("افتتاح الجسر")
    type(arabic).objects.filter(pk=arabic.pk).update(language="ar")
    page = desk.get("/stories/").content.decode()
    assert "Alder Post" in page and "Mill Gazette" in page and "It opened the story." in page
    assert 'rel="noopener noreferrer"' in page
    assert re.search(r'dir="rtl" lang="ar">\s*<a href="[^"]*">افتتاح الجسر', page)


def test_the_list_costs_the_same_for_many_stories(desk, django_assert_max_num_queries):
    for number in range(15):
        make_story(f"Story {number}", f"Story {number} again")
    with django_assert_max_num_queries(30):
        desk.get("/stories/")


def test_pages_follow_and_nonsense_is_the_first(desk):
    for number in range(21):
        make_story(f"Story {number}")
    first, second = desk.get("/stories/"), desk.get("/stories/?page=2")
    assert b"?page=2" in first.content and len(second.context["stories"]) == 1
    for nonsense in ("x", "-1", "0", "9999999999", "٣", ""):
        assert len(desk.get("/stories/", {"page": nonsense}).context["stories"]) == 20


@pytest.mark.parametrize("name", ["desk_take", "desk_dismiss", "desk_restore", "desk_undo_take"])
def test_looking_changes_nothing(desk, name):
    story = make_story("Alder bridge closes")
    assert desk.get(reverse(name, args=[story.pk])).status_code == 405
    story.refresh_from_db()
    assert story.dismissed_at is None and not Article.objects.exists()


def test_take_leads_to_the_draft_with_its_topics_and_an_undo(desk):
    Topic.objects.create(name="City", slug="city")
    story = make_story("Alder bridge closes")
    page = desk.post(reverse("desk_take", args=[story.pk]), follow=True)
    article = Article.objects.get()
    assert page.redirect_chain[-1][0] == reverse("wagtailsnippets_articles_article:edit", args=[article.pk])
    assert not article.live and [topic.name for topic in article.topics.all()] == ["City"]
    assert reverse("desk_undo_take", args=[article.pk]) in page.content.decode()
    desk.post(reverse("desk_undo_take", args=[article.pk]))
    assert not Article.objects.exists()
    assert "Alder bridge closes" in desk.get("/stories/").content.decode()


def test_take_and_publish_stays_on_the_list_and_undo_withdraws(desk):
    story = make_story("Alder bridge closes")
    page = desk.post(reverse("desk_take", args=[story.pk]), {"publish": "1", "page": "1"}, follow=True)
    article = Article.objects.get()
    assert page.redirect_chain[-1][0] == "/stories/" and article.live and article.edition == 1
    desk.post(reverse("desk_undo_take", args=[article.pk]))
    article.refresh_from_db()
    assert not article.live and article.edition == 2


def test_dismiss_and_its_undo(desk):
    story = make_story("Alder bridge closes")
    page = desk.post(reverse("desk_dismiss", args=[story.pk]), follow=True).content.decode()
    assert reverse("desk_restore", args=[story.pk]) in page and not desk.get("/stories/").context["stories"]
    desk.post(reverse("desk_restore", args=[story.pk]))
    assert desk.get("/stories/").context["stories"]


def test_a_story_that_is_gone_is_said_not_crashed(desk):
    page = desk.post(reverse("desk_take", args=[4711]), follow=True)
    assert page.status_code == 200 and "is gone" in page.content.decode()
    assert desk.post(reverse("desk_undo_take", args=[4711]), follow=True).status_code == 200
    assert desk.post(reverse("desk_dismiss", args=[4711])).status_code == 404


def test_a_headline_is_never_markup(desk):
    story = make_story("<img src=x onerror=alert(1)> & more")
    pages = [
        desk.get("/stories/"),
        desk.post(reverse("desk_dismiss", args=[story.pk]), follow=True),
        desk.post(reverse("desk_take", args=[story.pk]), follow=True),
    ]
    assert all(b"<img src=x" not in page.content for page in pages)


def test_publishing_at_the_desk_counts_like_an_action(desk):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW)
    address = reverse("wagtailsnippets_articles_article:edit", args=[article.pk])
    form = {"headline": "Bridge closes", "excerpt": "It closes.", "body": "null", "also_reported": "[]", "topics": []}
    form |= {"image": "", "series": "", "in_digest": "on", "action-publish": "1"}
    desk.post(address, form)
    article.refresh_from_db()
    assert (article.live, article.edition, article.headline) == (True, 1, "Bridge closes")
    assert article.published_at == article.last_published_at and article.story_id
    desk.post(reverse("wagtailsnippets_articles_article:unpublish", args=[article.pk]))
    article.refresh_from_db()
    assert (article.live, article.edition) == (False, 2)


def test_what_was_public_is_not_deleted(desk):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW, publish=True)
    topic = Topic.objects.create(name="City", slug="city")
    article.topics.add(topic)
    article.save()
    desk.post(reverse("wagtailsnippets_articles_article:delete", args=[article.pk]))
    bulk = reverse("wagtail_bulk_action", args=["articles", "article", "delete"])
    desk.post(f"{bulk}?id={article.pk}")
    desk.force_login(get_user_model().objects.create_superuser("root"))
    desk.post(reverse("wagtailsnippets_topics_topic:delete", args=[topic.pk]))
    assert Article.objects.filter(pk=article.pk).exists() and Topic.objects.filter(pk=topic.pk).exists()


def test_the_home_screen_counts_and_shows_what_rooms_hand_in(desk):
    make_story("Alder bridge closes")
    panels.register(panels.Panel("probe", "desk/preview.html", lambda request: HANDED))
    try:
        page = desk.get("/").content.decode()
    finally:
        panels._panels.pop("probe")
    assert "story waits" in page and "Handed in" in page
    for foreign in ("gravatar", "wagtail.org", "releases.wagtail"):
        assert foreign not in page.lower()


def test_the_menu_has_no_page_tree(admin_client):
    page = admin_client.get("/").content.decode()
    assert "/stories/" in page
    for hidden in ('"name": "explorer"', '"name": "documents"', '"name": "help"', "editor-guide"):
        assert hidden not in page


@pytest.mark.parametrize("address", LISTS)
def test_every_list_opens(desk, address):
    assert desk.get(address).status_code == 200


def test_articles_are_found_and_filtered(desk):
    actions.take_story(make_story("Alder bridge closes").pk, NOW, publish=True)
    actions.take_story(make_story("Ferry runs late").pk, NOW)

    def found(**query: str) -> list[str]:
        return [str(article) for article in desk.get("/articles/", query).context["object_list"]]

    assert found(q="ferry") == ["Ferry runs late"]
    assert found(state="live") == ["Alder bridge closes"] and found(state="draft") == ["Ferry runs late"]
    assert len(found()) == 2 and found(q="' OR 1=1 --") == []


def test_the_preview_is_the_public_page(desk):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW)
    page = article.make_preview_request().content.decode()
    assert "Alder bridge closes" in page and "Skip to content" in page


def test_guessing_a_password_locks_that_account_and_no_other(client, ada, settings):
    settings.AXES_USERNAME_CALLABLE = "handbill.desk.login.login_name"
    settings.AXES_LOCKOUT_TEMPLATE = "account/locked.html"
    settings.ACCOUNT_RATE_LIMITS = False
    get_user_model().objects.create_user("dee", "dee@paper.example", PASSWORD)
    answers = [log_in(client, password=f"wrong {number}") for number in range(11)]
    assert answers[0].status_code == 200 and answers[-1].status_code == 429
    assert b"Too many tries" in answers[-1].content
    assert log_in(client).status_code == 429, "the right password comes too late"
    assert log_in(client, email="dee@paper.example").status_code == 302


def test_an_undated_article_shows_no_date_in_the_list(desk):
    actions.import_archive("Old ferry news\nThe ferry ran until midnight in those days.\n", NOW)
    page = desk.get("/articles/").content.decode()
    assert "Old ferry news" in page and "1970" not in page and "ago" not in page


def test_a_topics_address_is_chosen_once(desk):
    desk.post("/topics/add/", {"name": "City", "slug": "city", "position": "0"})
    topic = Topic.objects.get()
    desk.post(f"/topics/edit/{topic.pk}/", {"name": "Town", "slug": "town", "position": "0"})
    topic.refresh_from_db()
    assert (topic.name, topic.slug) == ("Town", "city")


def test_approval_by_a_colleague_publishes(ada):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW)
    article.get_workflow().start(article, ada)
    article.current_workflow_task_state.approve(user=ada)
    article.refresh_from_db()
    assert article.live and article.edition == 1 and article.published_at


def test_a_feed_with_reports_is_kept(desk):
    feed = make_story("Alder bridge closes").members.get().report.feed
    assert desk.post(f"/feeds/delete/{feed.pk}/").status_code < 500
    assert type(feed).objects.filter(pk=feed.pk).exists()


def test_nobody_uploads_files_that_a_browser_would_run(desk):
    for address in ("/documents/", "/documents/add/", "/documents/multiple/add/"):
        assert desk.get(address).status_code == 404, address
    page = ContentFile(b"<script>alert(1)</script>", name="x.html")
    desk.post("/documents/add/", {"title": "x", "file": page})
    assert not Document.objects.exists()


def test_a_story_taken_meanwhile_is_not_published_over_a_colleagues_draft(desk):
    story = make_story("Alder bridge closes")
    actions.take_story(story.pk, NOW)
    page = desk.post(reverse("desk_take", args=[story.pk]), {"publish": "1"}, follow=True)
    article = Article.objects.get()
    assert not article.live and page.redirect_chain[-1][0] == f"/articles/edit/{article.pk}/"
    assert "was taken already" in page.content.decode()
    assert reverse("desk_undo_take", args=[article.pk]) not in page.content.decode(), "it isn't hers to undo"


def test_undo_does_not_throw_away_a_draft_that_was_edited_since(desk):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW)
    article.headline = "Two hours of work"
    article.save_revision()
    page = desk.post(reverse("desk_undo_take", args=[article.pk]), follow=True).content.decode()
    assert Article.objects.filter(pk=article.pk).exists() and "edited since" in page


def test_who_may_only_choose_neither_publishes_nor_withdraws(client):
    dee = get_user_model().objects.create_user("dee")
    kinds = [("stories", "change_story"), ("articles", "add_article"), ("wagtailadmin", "access_admin")]
    for app, codename in kinds:
        dee.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(dee)
    story = make_story("Alder bridge closes")
    assert b'name="publish"' not in client.get("/stories/").content
    client.post(reverse("desk_take", args=[story.pk]), {"publish": "1"})
    assert not Article.objects.exists()
    article = actions.take_story(story.pk, NOW, publish=True)
    client.post(reverse("desk_undo_take", args=[article.pk]))
    article.refresh_from_db()
    assert article.live


def test_a_feed_added_at_the_desk_is_checked_and_fetched(desk):
    source = Source.objects.create(name="Quay Wire", slug="quay-wire")
    form = {"source": source.pk, "kind": "feed", "interval_minutes": "30", "next_at": ""}
    for wrong in ("javascript:alert(1)", "http://user:secret@paper.example/feed", "http://0x7f000001/"):
        assert desk.post("/feeds/add/", form | {"address": wrong}).status_code == 200
    assert not Feed.objects.exists()
    desk.post("/feeds/add/", form | {"address": "HTTPS://Quay.example/feed"})
    feed = Feed.objects.get()
    assert feed.address == "https://quay.example/feed" and feed.next_at
    desk.post(f"/feeds/edit/{feed.pk}/", form | {"address": feed.address})
    feed.refresh_from_db()
    assert feed.next_at is None, "switched off"


def test_a_feed_that_is_read_otherwise_is_read_anew(desk):
    source = Source.objects.create(name="Quay Wire", slug="quay-wire")
    form = {"source": source.pk, "kind": "page", "address": "https://quay.example/", "selector": "h2 a", "next_at": ""}
    feed = Feed.objects.create(**form | {"source": source, "next_at": None})
    held = {"etag": '"one"', "last_modified": "then", "lease_token": "held", "lease_until": NOW}
    for change, kept in (({}, True), ({"interval_minutes": "60"}, True), ({"selector": "h3 a"}, False)):
        Feed.objects.filter(pk=feed.pk).update(**held)
        desk.post(f"/feeds/edit/{feed.pk}/", form | change)
        feed.refresh_from_db()
        assert [getattr(feed, name) for name in held] == (list(held.values()) if kept else ["", "", "", None]), change


def _write(desk, article, **fields):
    form = {"headline": article.headline, "excerpt": article.excerpt, "body": "null", "topics": [], "image": ""}
    form |= {"series": "", "in_digest": "on", "action-publish": "1"}
    answer = desk.post(reverse("wagtailsnippets_articles_article:edit", args=[article.pk]), form | fields)
    article.refresh_from_db()
    return answer


def test_backdating_moves_the_article_and_counts_as_a_change(desk):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW, publish=True)
    _write(desk, article, published_at="2025-12-24 18:00")
    assert article.published_at.isoformat() == "2025-12-24T17:00:00+00:00" and article.edition == 2
    _write(desk, article, published_at="")
    assert article.published_at.isoformat() == "2025-12-24T17:00:00+00:00", "empty leaves the date"


def test_an_edit_does_not_shave_the_seconds_off_the_date(desk):
    at = NOW.replace(second=34, microsecond=56)
    article = actions.take_story(make_story("Alder bridge closes").pk, at, publish=True)
    _write(desk, article, headline="Bridge closes", published_at=at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M"))
    assert article.published_at == at and article.headline == "Bridge closes"


def test_no_article_is_dated_after_readers_first_saw_it(desk):
    article = actions.take_story(make_story("Alder bridge closes").pk, NOW, publish=True)
    answer = _write(desk, article, published_at=(NOW + timedelta(days=1)).strftime("%Y-%m-%d %H:%M"))
    assert answer.status_code == 200 and article.published_at == NOW and article.edition == 1
    draft = actions.take_story(make_story("Ferry runs late").pk, NOW)
    assert _write(desk, draft, published_at="2999-01-01 00:00").status_code == 200 and not draft.live


def test_a_date_found_for_an_undated_article_is_shown(desk):
    actions.import_archive("Old ferry news\nThe ferry ran until midnight in those days.\n", NOW)
    article = Article.objects.get()
    assert "1970" not in desk.get(f"/articles/edit/{article.pk}/").content.decode()
    _write(desk, article)
    assert not article.dated and article.published_at.year == 1970
    _write(desk, article, published_at="1998-05-01 09:00")
    assert article.dated and article.published_at.year == 1998


def test_uploaded_pictures_are_for_who_is_logged_in_and_documents_for_nobody(client, admin_client, settings):
    path = settings.HANDBILL.media_folder / "picture.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG")
    assert client.get("/media/picture.png").status_code == 302
    answer = admin_client.get("/media/picture.png")
    assert (answer.status_code, answer["X-Content-Type-Options"]) == (200, "nosniff")
    assert admin_client.get("/media/../handbill.toml").status_code in (400, 404)
    assert admin_client.get("/documents/").status_code == 404
