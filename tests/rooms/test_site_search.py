"""The readers' search page: whatever is typed is words; results are entries; GET and HEAD only."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from lxml import html

from handbill.articles.models import Article
from handbill.site import actions, search
from handbill.subscribers.wording import words as evidence
from handbill.topics.paper import css_path, icon_path
from handbill.topics.wording import fill, words

NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)


@pytest.fixture
def reader(settings, tmp_path) -> Client:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    return Client(headers={"host": "paper.example"}, **{"handbill.face": "public"})


@pytest.fixture
def stocked(reader: Client, db) -> Client:
    for n in range(45):
        Article.objects.create(
            headline=f"River report {n}",
            excerpt="The <b>weir</b> holds.",
            slug=f"r-{n}",
            live=True,
            edition=1,
            published_at=NOW - timedelta(days=n),
        )
    actions.build(NOW)
    return reader


def lines(answer) -> list[str]:
    return [node.text_content() for node in html.fromstring(answer.content).xpath("//article/h2")]


def test_results_and_their_pages(stocked: Client) -> None:
    answer = stocked.get("/search/", {"q": "river"})
    assert answer.status_code == 200
    assert "45 articles found" in answer.text
    assert lines(answer)[0] == "River report 0"
    pages = [lines(stocked.get("/search/", {"q": "river", "page": n})) for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert len({line for page in pages for line in page}) == 45
    assert stocked.get("/search/", {"q": "river", "page": "x"}).status_code == 200
    assert "<b>weir</b>" not in answer.text


def test_nothing_asked_and_nothing_found(stocked: Client) -> None:
    assert stocked.get("/search/").status_code == 200
    answer = stocked.get("/search/", {"q": "<script>alert(x)</script>"})
    assert "Nothing found for “&lt;script&gt;" in answer.text
    assert "<script" not in answer.text


@pytest.mark.django_db
def test_without_an_index(reader: Client) -> None:
    answer = reader.get("/search/", {"q": "river"})
    assert answer.status_code == 503
    assert "being prepared" in answer.text


def test_only_reading(stocked: Client) -> None:
    assert stocked.head("/search/?q=river").status_code == 200
    assert stocked.post("/search/", {"q": "river"}).status_code == 405


def test_withdrawn_since_the_last_build(stocked: Client) -> None:
    Article.objects.filter(slug="r-0").update(live=False)
    assert "River report 0" not in lines(stocked.get("/search/", {"q": "river"}))


def test_the_stylesheet_is_served_before_the_first_build(stocked: Client) -> None:
    assert stocked.get(css_path())["Content-Type"] == "text/css; charset=utf-8"
    assert stocked.get("/assets/site.000.css").status_code == 404
    assert stocked.get(icon_path())["Content-Type"] == "image/svg+xml"
    assert f'<link rel="icon" type="image/svg+xml" href="{icon_path()}">' in stocked.get("/search/").content.decode()


def test_the_sign_up_box_says_what_is_kept_as_evidence() -> None:
    for language in ("en", "de", "ar", "fr"):
        box, kept = words(language), evidence(language, paper="The Paper")
        assert fill(box["signup_title"], "The Paper") == kept["ask_title"]
        assert box["signup_offer"] == kept["ask_offer"]
        assert box["signup_button"] == kept["ask_button"]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    search.prepare(folder)
    article = Article(pk=7, headline="River AND weir", excerpt="a:b", slug="a", published_at=NOW)
    article.shown_topics = []
    search.update(folder, [("/article/a/", article)])
    return folder


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.text(max_size=300), st.text(alphabet='river AND OR NOT +-"():[]{}^~*?\\/<>\0', max_size=60)))
def test_nothing_typed_is_an_error(index, typed: str) -> None:
    found = search.search(index, typed, NOW)
    assert found.ids in ((), (7,))


def test_every_word_is_a_word(index) -> None:
    for typed in ("river and", "AND", "a:b", '"river', "river -weir", "headline:river"):
        assert search.search(index, typed, NOW).ids == (7,)
