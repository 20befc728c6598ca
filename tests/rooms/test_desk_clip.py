"""Clipping at the desk: what comes is shown and made safe; only the button keeps it, once."""

from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile

from handbill.desk.clip import bookmark
from handbill.kit.clock import now
from handbill.sources import actions as sources
from handbill.sources.models import Feed, Source
from handbill.stories.models import Story
from handbill.wire import fetch
from handbill.wire.models import Report

pytestmark = pytest.mark.django_db
ADDRESS = "https://www.walled.example/news/1?x=2"
PROSE = "".join(f"<p>The wall rose by {n} stones and the gate was shut that evening again.</p>" for n in range(20))
MARKUP = f"<html lang=en><title>The wall</title><body onload=x()><article>{PROSE}<script>x()</script></article></body>"


@pytest.fixture(autouse=True, scope="module")
def _end_children() -> Iterator[None]:
    yield
    fetch.sandbox.close()


@pytest.fixture
def desk(client):
    user = get_user_model().objects.create_user("ada", "ada@paper.example", "correct horse battery")
    user.groups.add(Group.objects.get(name="Editors"))
    client.force_login(user)
    return client


def post(desk, where: str, markup: str = MARKUP, **given: str):
    page = SimpleUploadedFile("page.html", markup.encode(), content_type="text/html")
    return desk.post(f"/clip/{where}/", {"address": ADDRESS, "title": "A tab", "page": page, **given}, follow=True)


def test_the_window_can_be_reached_by_the_page_that_opened_it(desk):
    answer = desk.get("/clip/")
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert desk.get("/stories/")["Cross-Origin-Opener-Policy"] == "same-origin"
    assert bookmark("https://desk.paper.example").startswith('javascript:(()=>{const d="https://desk.paper.example",')


def test_a_preview_is_safe_and_keeps_nothing(desk):
    shown = post(desk, "preview").content.decode()
    assert "The wall rose by 7 stones" in shown
    assert not {"<script", "onload"} & {word for word in ("<script", "onload") if word in shown}
    assert "No outlet of yours" in shown
    assert not Report.objects.exists() and not Source.objects.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"markup": "<html><body><form>Log in</form></body></html>"}, "No article was found"),
        ({"address": "javascript:x()"}, "start with http"),
        ({"markup": "x" * (5 * 1024 * 1024 + 1)}, "larger than 5 MB"),
    ],
)
def test_what_can_not_be_kept_is_said(desk, given, said):
    assert said in post(desk, "preview", **given).content.decode()
    assert said in post(desk, "keep", outlet="The Wall", **given).content.decode()
    assert not Report.objects.exists()


def test_a_kept_page_is_a_report_with_a_story_and_its_outlet_is_not_fetched(desk):
    answer = post(desk, "keep", outlet="The Wall")
    assert "is kept as a report of The Wall" in answer.content.decode()
    report = Report.objects.get()
    assert (report.title, report.address, report.full_text, report.backlog) == ("The wall", ADDRESS, True, False)
    assert "<script" not in report.body_html and report.text.startswith("The wall rose by 0 stones")
    assert Story.objects.get().title == "The wall"
    assert (report.feed.kind, report.feed.next_at) == (Feed.Kind.PAGE, None)
    post(desk, "keep")
    assert Report.objects.count() == 1


def test_a_report_that_is_there_gets_its_whole_text(desk):
    feed = sources.add_source("The Wall", "https://feeds.example/wall", now(), "https://walled.example/")
    known = Report.objects.create(
        source=feed.source, feed=feed, identity="1", address=ADDRESS, title="Wall", text="It rose.",
        published_at=now(), filed_at=now(),
    )  # fmt: skip
    assert 'value="The Wall"' in post(desk, "preview").content.decode()
    post(desk, "keep")
    known.refresh_from_db()
    assert (known.full_text, known.title, Report.objects.count()) == (True, "Wall", 1)
    post(desk, "keep", markup=MARKUP.replace("gate", "door"))
    known.refresh_from_db()
    assert "door" in known.text and "gate" in known.versions.get().text


def test_only_who_chooses_stories_may_clip_and_get_keeps_nothing(desk, client):
    assert desk.get("/clip/keep/").status_code == 405
    client.logout()
    assert client.get("/clip/").status_code == 302
    assert "/login/" in post(client, "keep", outlet="The Wall").redirect_chain[0][0]
    assert not Report.objects.exists()
