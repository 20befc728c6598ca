"""Articles become files: taken up by edition, written when stale, gone when withdrawn, whole after a kill."""

import dataclasses
import io
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.images import ImageFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lxml import etree, html
from PIL import Image as Picture
from wagtail.images import get_image_model

from handbill.articles.models import Article, Series
from handbill.site import actions, files, search
from handbill.site.models import Entry, Page, TakenUp
from handbill.site.render import Press
from handbill.site.stale import mark_stale
from handbill.topics.actions import topic_named
from handbill.topics.models import Topic
from handbill.topics.paper import assets
from handbill.topics.wording import words
from handbill.wire.web import agent

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)


@pytest.fixture
def site(settings, tmp_path) -> Path:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "site"


def article(number: int, *topics: Topic, **fields) -> Article:
    given = {
        "headline": f"Headline {number}",
        "excerpt": f"Excerpt {number}.",
        "slug": f"a-{number}",
        "live": True,
        "published_at": NOW - timedelta(days=60) + timedelta(hours=number),
        "edition": 1,
    } | fields
    made = Article(**given)
    made.topics = list(topics)
    made.save()
    return made


def change(row: Article, **fields) -> None:
    Article.objects.filter(pk=row.pk).update(edition=row.edition + 1, **fields)
    row.refresh_from_db()


def stale() -> set[str]:
    return set(Page.objects.filter(stale=True).values_list("path", flat=True))


def read(site: Path, path: str) -> str:
    return (site / files.file_of(path)).read_text("utf-8")


def headlines(site: Path, path: str) -> list[str]:
    return [node.text_content() for node in html.fromstring(read(site, path)).xpath("//article//h2")]


def snapshot(site: Path) -> dict[str, bytes]:
    return {name: (site / name).read_bytes() for name in files.names(site)}


def walk(site: Path, start: str) -> list[str]:
    found, path = [], start
    while path:
        found += [line for line in headlines(site, path) if line not in found]
        links = html.fromstring(read(site, path)).xpath("//nav[@class='turn']/a[@rel='next']/@href")
        path = links[0] if links else ""
    return found


def test_forty_five_articles(site: Path) -> None:
    city, water = topic_named("City"), topic_named("Water")
    for n in range(45):
        article(n, *([city] if n % 3 else [city, water]))
    built = actions.build(NOW)
    assert built.pages == Page.objects.filter(stale=False).exclude(path="layout").count() == built.written
    newest_first = [f"Headline {n}" for n in reversed(range(45))]
    assert headlines(site, "/") == headlines(site, "/topic/city/") == newest_first[:20]
    assert headlines(site, "/topic/city/3/") == newest_first[:5]
    assert headlines(site, "/topic/city/1/") == newest_first[25:]
    assert walk(site, "/") == walk(site, "/topic/city/") == newest_first
    assert walk(site, "/topic/water/") == [f"Headline {n}" for n in reversed(range(0, 45, 3))]
    assert actions.build(NOW) == actions.Built(pages=built.pages)


def test_every_page_opens_with_the_skip_link_and_closes_with_the_sign_up_box(site: Path) -> None:
    series = Series.objects.create(name="The long strike", slug="strike")
    article(1, topic_named("City"), series=series, series_number=1)
    actions.build(NOW)
    for name in files.names(site):
        if name.endswith(".html"):
            page = html.fromstring((site / name).read_text())
            first = page.xpath("//a")[0]
            assert (first.get("href"), first.text) == ("#content", "Skip to content")
            box = page.xpath("//body/*")[-1]
            assert box.xpath(".//form/@action") == ["https://paper.example/subscribe/"]
            assert box.xpath(".//label/@for") == box.xpath(".//input/@id")
            assert not page.xpath("//script | //style | //@style | //iframe")
            assert all(
                address.startswith("/") for address in page.xpath("//link[@rel='stylesheet']/@href | //img/@src")
            )
            assert page.xpath("//main/@id") == ["content"]
            assert len(page.xpath("//h1")) == 1


def test_something_new_leaves_full_pages_alone(site: Path) -> None:
    city = topic_named("City")
    for n in range(40):
        article(n, city)
    actions.build(NOW)
    before = snapshot(site)
    for n in range(40, 63):
        article(n, city)
        actions.build(NOW)
    after = snapshot(site)
    full = ["topic/city/1/index.html", "topic/city/2/index.html", "archive/1/index.html", "archive/2/index.html"]
    assert {name: after[name] for name in full} == {name: before[name] for name in full}
    assert headlines(site, "/topic/city/3/") == [f"Headline {n}" for n in reversed(range(40, 60))]


def test_withdrawing_touches_its_own_pages_only_and_returning_brings_it_back(site: Path) -> None:
    city = topic_named("City")
    rows = [article(n, city) for n in range(60)]
    actions.build(NOW)
    before = snapshot(site)
    change(rows[5], live=False)
    assert actions.take_up(NOW) == 1
    assert stale() == {"/article/a-5/", "/archive/1/", "/topic/city/1/"}
    actions.build(NOW)
    assert not (site / "article/a-5").exists()
    assert "Headline 5" not in headlines(site, "/topic/city/1/")
    assert len(headlines(site, "/topic/city/1/")) == 19
    change(rows[5], live=True)
    actions.build(NOW)
    assert snapshot(site) == before


def test_backdating_moves_what_lies_above_and_nothing_below(site: Path) -> None:
    city = topic_named("City")
    rows = [article(n * 2, city) for n in range(70)]
    actions.build(NOW)
    before = snapshot(site)
    change(rows[69], published_at=rows[25].published_at + timedelta(minutes=1))
    actions.take_up(NOW)
    numbered = {path for path in stale() if re.fullmatch(r"/archive/\d+/", path)}
    assert numbered == {"/archive/2/", "/archive/3/", "/archive/4/"}
    actions.build(NOW)
    assert (site / "archive/1/index.html").read_bytes() == before["archive/1/index.html"]
    order = list(Article.objects.order_by("-published_at").values_list("headline", flat=True))
    assert walk(site, "/") == walk(site, "/topic/city/") == order


def test_changing_topics_and_address(site: Path) -> None:
    city, water = topic_named("City"), topic_named("Water")
    row = article(1, city)
    article(2, city)
    actions.build(NOW)
    row.topics = [water]
    row.save()
    change(row, slug="new-name")
    actions.build(NOW)
    assert headlines(site, "/topic/water/") == ["Headline 1"]
    assert headlines(site, "/topic/city/") == ["Headline 2"]
    assert not (site / "article/a-1").exists()
    assert "Headline 1" in read(site, "/article/new-name/")
    assert "/article/new-name/" in read(site, "/")


def test_deleting_an_article_takes_its_traces_away(site: Path) -> None:
    city = topic_named("City")
    rows = [article(n, city) for n in range(41)]
    actions.build(NOW)
    rows[40].delete()
    rows[3].delete()
    actions.build(NOW)
    assert "Headline 40" not in headlines(site, "/")
    assert "Headline 3" not in headlines(site, "/archive/1/")
    assert not (site / "article/a-40").exists()
    assert headlines(site, "/archive/3/") == []
    assert walk(site, "/") == [f"Headline {n}" for n in reversed(range(40)) if n != 3]


def test_deleting_a_topic(site: Path) -> None:
    city = topic_named("City")
    article(1, city)
    actions.build(NOW)
    city.delete()
    actions.build(NOW)
    assert not (site / "topic").exists()
    assert "/topic/city/" not in read(site, "/article/a-1/")


def test_series_in_order_with_its_gaps_and_neighbours(site: Path) -> None:
    series = Series.objects.create(name="The long strike", slug="strike")
    rows = {n: article(n, series=series, series_number=n) for n in (3, 1, 7)}
    actions.build(NOW)
    page = html.fromstring(read(site, "/series/strike/"))
    assert [node.text_content().strip() for node in page.xpath("//ol/li/span")] == ["1", "—", "3", "—", "7"]
    assert "Number 2 is not" in page.text_content()
    assert "Numbers 4–6" in page.text_content()
    assert html.fromstring(read(site, "/article/a-3/")).xpath("//nav/a[@rel]/@href") == [
        "/article/a-1/",
        "/article/a-7/",
    ]
    change(rows[3], live=False)
    actions.build(NOW)
    assert html.fromstring(read(site, "/article/a-1/")).xpath("//nav/a[@rel]/@href") == ["/article/a-7/"]
    series.delete()
    actions.build(NOW)
    assert not (site / "series").exists()
    assert not html.fromstring(read(site, "/article/a-1/")).xpath("//nav/a[@rel]")


HOSTILE = '<script>alert(1)</script> & "quotes" \x01\x0b\ufffe \U0001f600 ]]>'


def test_text_is_escaped_everywhere_and_feeds_are_xml(site: Path) -> None:
    city = topic_named("City & <b>hall</b>")
    article(1, city, headline=HOSTILE, excerpt=HOSTILE, credit=HOSTILE, also_reported=[HOSTILE], image_alt=HOSTILE)
    article(2, city, source_address="javascript:alert(1)", dated=False)
    article(3, city, body='<p onclick="x()">Body <script>alert(1)</script></p>')
    actions.build(NOW)
    for name, content in snapshot(site).items():
        if name.endswith(".html"):
            assert b"<script" not in content
            assert b"javascript:" not in content
            assert b"onclick" not in content
        if name.endswith(".xml"):
            feed = etree.fromstring(content)
            undated = [] if name == "issues/feed.xml" else [False, True, False]
            assert [item.find("pubDate") is None for item in feed.findall(".//item")] == undated, name
            assert all(link.text.startswith("https://paper.example/article/") for link in feed.findall(".//item/link"))


def test_undated_articles_show_no_date(site: Path) -> None:
    article(1, dated=False)
    actions.build(NOW)
    assert "<time" not in read(site, "/article/a-1/")
    assert "<time" not in read(site, "/")


def test_each_entry_has_its_own_language(site: Path) -> None:
    article(1, language="ar", headline="حافلة الليل")
    actions.build(NOW)
    found = html.fromstring(read(site, "/")).xpath("//article/h2")[0]
    assert (found.get("lang"), found.get("dir")) == ("ar", "rtl")


def test_dates_are_in_the_newsrooms_zone(site: Path) -> None:
    article(1, published_at=datetime(2026, 5, 13, 23, 30, tzinfo=UTC))
    actions.build(NOW)
    assert '<time datetime="2026-05-14T01:30:00+02:00">14 May 2026</time>' in read(site, "/article/a-1/")


def test_a_killed_build_goes_on(site: Path, monkeypatch) -> None:
    for n in range(10):
        article(n)
    whole, calls = Press.render, []

    def dies(self: Press, path: str) -> bytes | None:
        calls.append(path)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return whole(self, path)

    monkeypatch.setattr(Press, "render", dies)
    with pytest.raises(KeyboardInterrupt):
        actions.build(NOW)
    assert actions.build(NOW).busy
    later = NOW + timedelta(minutes=5)
    assert not actions.build(later).busy
    once = snapshot(site)
    actions.rebuild_all(later)
    assert snapshot(site) == once
    assert not [name for name in once if name.endswith(".tmp")]


def test_marked_again_while_being_rendered(site: Path, monkeypatch) -> None:
    article(1)
    actions.build(NOW)
    mark_stale(["/"])
    whole, first = Press.render, []

    def render(self: Press, path: str) -> bytes | None:
        if not first:
            first.append(path)
            mark_stale(["/"])
        return whole(self, path)

    monkeypatch.setattr(Press, "render", render)
    rounds = []
    inner = actions._round
    monkeypatch.setattr(actions, "_round", lambda failed: rounds.append(stale()) or inner(failed))
    actions.build(NOW)
    assert rounds == [{"/"}, {"/"}, set()]


def test_what_others_lead_to_is_written_first(site: Path, monkeypatch) -> None:
    article(1, topic_named("City"))
    actions.build(NOW)
    Page.objects.create(path="/assets/site.old.css")
    mark_stale(Page.objects.exclude(path="layout").values_list("path", flat=True))
    order, whole = [], Press.render
    monkeypatch.setattr(Press, "render", lambda self, path: order.append(path) or whole(self, path))
    actions.build(NOW)
    assert order[:3] == [*sorted(assets()), "/article/a-1/"]
    assert order[-2:] == ["/", "/assets/site.old.css"]


def test_a_topic_with_a_new_address_moves_whole(site: Path) -> None:
    city = topic_named("City")
    for n in range(25):
        article(n, city)
    actions.build(NOW)
    Topic.objects.filter(pk=city.pk).update(slug="town")
    actions.build(NOW)
    assert not (site / "topic/city").exists()
    assert len(headlines(site, "/topic/town/2/")) == 5


def test_an_index_of_another_version_is_made_anew(site: Path, settings, monkeypatch) -> None:
    row = article(1, headline="River rises")
    actions.build(NOW)
    monkeypatch.setattr(search, "_MARK", "handbill-2")
    with pytest.raises(search.SearchMissing):
        search.search(settings.HANDBILL.search_folder, "river", NOW)
    actions.build(NOW)
    assert search.search(settings.HANDBILL.search_folder, "river", NOW).ids == (row.pk,)


def test_a_lost_folder_is_made_again_and_strays_are_swept(site: Path) -> None:
    article(1)
    actions.build(NOW)
    before = snapshot(site)
    shutil.rmtree(site)
    actions.build(NOW)
    assert snapshot(site) == before
    (site / "stray.html").write_text("x")
    actions.rebuild_all(NOW)
    assert snapshot(site) == before


def test_the_layout_is_followed(site: Path, settings) -> None:
    article(1)
    actions.build(NOW)
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, name="Another name")
    actions.build(NOW)
    assert "Another name" in read(site, "/article/a-1/")
    topic_named("Sport")
    actions.build(NOW)
    assert 'href="/topic/sport/"' in read(site, "/article/a-1/")
    assert "Nothing has been published here yet" in read(site, "/topic/sport/")


def picture(colour: str) -> ImageFile:
    data = io.BytesIO()
    Picture.new("RGB", (1600, 900), colour).save(data, "JPEG")
    data.seek(0)
    return ImageFile(data, name=f"{colour}.jpg")


def test_pictures_come_and_go_with_their_article(site: Path) -> None:
    image = get_image_model().objects.create(title="The weir", file=picture("red"))
    inner = get_image_model().objects.create(title="The dyke", file=picture("blue"))
    body = f'<p>See</p><embed embedtype="image" id="{inner.pk}" format="fullwidth" alt="The dyke"/>'
    row = article(1, image=image, image_alt="The weir at dawn", body=body)
    actions.build(NOW)
    shown = html.fromstring(read(site, "/article/a-1/")).xpath("//img")
    assert [node.get("alt") for node in shown] == ["The weir at dawn", "The dyke"]
    assert (shown[0].get("width"), shown[0].get("height")) == ("1280", "720")
    for node in shown:
        assert node.get("src").startswith("/images/a-1/")
        assert Picture.open(site / node.get("src")[1:]).format == "JPEG"
    change(row, live=False)
    actions.build(NOW)
    assert not (site / "images").exists()


def test_thousands_at_once(site: Path, django_assert_max_num_queries) -> None:
    city = topic_named("City")
    rows = Article.objects.bulk_create(
        Article(headline=f"H {n}", slug=f"s-{n}", live=True, edition=1, published_at=NOW - timedelta(hours=n))
        for n in range(1500)
    )
    through = Article.topics.through
    through.objects.bulk_create(through(article_id=row.pk, topic_id=city.pk) for row in rows)
    with django_assert_max_num_queries(80):
        assert actions.take_up(NOW) == 1500
    positions = list(Entry.objects.filter(topic=None).order_by("published_at").values_list("position", flat=True))
    assert positions == list(range(1, 1501))
    assert TakenUp.objects.count() == 1500


def test_rendering_asks_the_same_for_one_and_for_many(site: Path) -> None:
    city = topic_named("City")
    for n in range(60):
        article(n, city)
    actions.take_up(NOW)

    def asked(count: int) -> int:
        press = Press(site)
        with CaptureQueriesContext(connection) as seen:
            paths = [f"/article/a-{n}/" for n in range(count)]
            press.gather(paths)
            for path in paths:
                assert press.render(path)
        return len(seen)

    assert asked(1) == asked(50)


def test_search_follows_the_articles(site: Path, settings) -> None:
    folder = settings.HANDBILL.search_folder
    with pytest.raises(search.SearchMissing):
        search.search(folder, "river", NOW)
    old = article(1, headline="River rises", published_at=NOW - timedelta(days=900))
    new = article(2, topic_named("Water"), headline="River falls", excerpt="Zürich and the weir.")
    actions.build(NOW)
    assert search.search(folder, "river", NOW).ids == (new.pk, old.pk)
    assert search.search(folder, "ZURICH weir", NOW).ids == (new.pk,)
    assert search.search(folder, "water", NOW).ids == (new.pk,)
    assert search.search(folder, "river volcano", NOW).ids == (new.pk, old.pk)
    change(old, headline="Volcano", excerpt="")
    change(new, live=False)
    actions.build(NOW)
    assert search.search(folder, "river", NOW).ids == ()
    assert search.search(folder, "volcano", NOW).ids == (old.pk,)
    before = search.search(folder, "volcano", NOW)
    search.discard(folder)
    actions.build(NOW)
    assert search.search(folder, "volcano", NOW) == before


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_outlets_are_told_how_we_fetch_by_the_numbers_that_the_code_obeys(settings, site: Path, language: str) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, language=language, name="Wye & <i>Sons</i>")
    actions.build(NOW)
    page = html.fromstring(read(site, "/fetching/"))
    told = page.xpath("//main")[0].text_content()
    assert page.xpath("//code")[0].text == agent()
    assert page.xpath("//pre")[0].text.splitlines()[0] == "User-agent: Handbill"
    assert "Wye & <i>Sons</i>" in told and "1 Test Street, Testville" in told and "{}" not in told
    numbers = re.findall(r"\d+", " ".join(page.xpath("//main//p[not(code)]/text()")))
    assert numbers == ["10", "6", "5", "6", "429", "503", "24", "4", "120", "15", "4", "100"]
    footers = html.fromstring(read(site, "/")).xpath("//footer//a[@href='/fetching/']")
    assert footers[0].text == page.xpath("//h1")[0].text == words(language)["fetching"]
    assert "(+https://paper.example/fetching/" in agent()


def test_every_language_has_every_word_of_the_page_for_outlets() -> None:
    english = {name: text for name, text in words("en").items() if name.startswith("fetching")}
    for language in ("de", "ar"):
        other = words(language)
        assert all(
            other[name] != text and other[name].count("{}") == text.count("{}") for name, text in english.items()
        )


def test_without_a_postal_address_outlets_are_given_the_papers_mail_address(settings, site: Path) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, postal_address="")
    actions.build(NOW)
    assert "The Test Paper · news@paper.example" in html.fromstring(read(site, "/fetching/")).text_content()
