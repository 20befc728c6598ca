"""The paper's issues on the public site: there once they go, true to what is public, whole, with no reader in them."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from lxml import etree, html
from test_digest_slots import DAY, HOUR, SEVEN, SUNDAY, publish, reader, text, who

from handbill.articles.actions import add_note
from handbill.articles.models import Article
from handbill.delivery.models import Delivery
from handbill.delivery.records import READER_SLOT
from handbill.digest import actions as digest
from handbill.digest import pages, room
from handbill.digest.models import Issue, IssueArticle
from handbill.site import actions, files
from handbill.site.models import Page
from handbill.subscribers.wishes import Wishes
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db
PAGE, BOOK, FILE = "/issues/2026-11-22/", "/issues/2026-11-22.epub", "/issues/2026-11-22.html"
LINK = f"https://paper.example{PAGE}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture
def site(settings, tmp_path) -> Path:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    return tmp_path / "site"


def build() -> None:
    actions.build(SEVEN)


def there(site: Path, path: str = PAGE) -> bool:
    return files.there(site, path)


def bytes_of(site: Path, path: str) -> bytes:
    return (site / files.file_of(path)).read_bytes()


def read(site: Path, path: str = PAGE) -> html.HtmlElement:
    return html.fromstring(bytes_of(site, path))


def heads(site: Path, path: str = PAGE) -> list[str]:
    return [node.text_content() for node in read(site, path).xpath("//article//h2")]


def book(site: Path, name: str) -> etree._Element:
    """A document of the e-book; it must be XML."""
    return etree.fromstring(zipfile.ZipFile(io.BytesIO(bytes_of(site, BOOK))).read(f"EPUB/{name}"))


def change(row: Article, **fields) -> None:
    Article.objects.filter(pk=row.pk).update(edition=row.edition + 1, **fields)
    row.refresh_from_db()


def letter(token: str) -> tuple[str, str]:
    body = Delivery.objects.filter(recipient=who(token), mailing__kind="issue").order_by("-pk")[0].body
    return body.html, body.text


class TestWhenItGoes:
    def test_page_book_and_file_are_there_and_the_letter_leads_to_the_page(self, site: Path) -> None:
        token = reader("ada")
        publish("Dawn", SEVEN - 2 * HOUR, credit="Monitor", source_address="https://monitor.example/1")
        publish("Noon", SEVEN - 3 * HOUR)
        build()
        assert not there(site) and heads(site, "/issues/") == []
        digest.send_due(SEVEN)
        build()
        assert heads(site) == heads(site, FILE) == ["Dawn", "Noon"]
        assert book(site, "issue.xhtml").xpath("//*[local-name()='h2']//text()") == ["Dawn", "Noon"]
        assert read(site).xpath("//link[@rel='canonical']/@href") == [LINK]
        assert read(site).xpath("//p[@class='keep']/a/@href") == [BOOK, FILE]
        assert all(LINK in part for part in letter(token))

    def test_each_article_leads_to_its_page_here_and_to_its_source(self, site: Path) -> None:
        reader("ada")
        publish("Dawn", SEVEN - HOUR, credit="Monitor", also_reported=["Radio"], source_address="https://m.example/1")
        publish("Our own", SEVEN - 2 * HOUR)
        digest.send_due(SEVEN)
        build()
        links = read(site).xpath("//article//a/@href")
        assert links == ["/article/dawn/", "https://m.example/1", "/article/our-own/", "/article/our-own/"]
        assert [link for link in read(site, FILE).xpath("//article//a/@href") if link.startswith("/")] == []
        assert "Monitor and Radio" in read(site).text_content()

    def test_not_before_it_is_approved_nor_while_it_is_held(self, site: Path, settings) -> None:
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, digest_unapproved="hold")
        token = reader("ada")
        publish("Dawn", SEVEN - 2 * HOUR)
        digest.send_due(SEVEN)
        build()
        assert Issue.objects.get().state == Issue.State.COMPOSED and not there(site)
        digest.hold(SUNDAY, "The court has not ruled", SEVEN, "Ada")
        digest.send_due(SEVEN + HOUR)
        build()
        assert not there(site)
        digest.release(SUNDAY, SEVEN + HOUR, "Ada")
        digest.approve(SUNDAY, SEVEN + HOUR, "Ada")
        digest.send_due(SEVEN + 2 * HOUR)
        build()
        assert there(site) and LINK in text(token)

    def test_another_slots_letter_leads_to_no_page_and_makes_none(self, site: Path) -> None:
        token = reader("bob", Wishes(hour=6))
        publish("Dawn", SEVEN - 8 * HOUR)
        digest.send_due(SEVEN)
        build()
        assert "Dawn" in text(token) and "/issues/" not in text(token) and not there(site)

    def test_it_is_the_whole_papers_whatever_its_readers_chose(self, site: Path) -> None:
        river = Topic.objects.create(name="River", slug="river")
        token = reader("ada")
        from handbill.subscribers.actions import choose

        choose(token, ["river"], SEVEN - DAY)
        publish("Dawn", SEVEN - 2 * HOUR, river)
        publish("Noon", SEVEN - 3 * HOUR)
        digest.send_due(SEVEN)
        build()
        assert "Noon" not in text(token) and heads(site) == ["Dawn", "Noon"]

    def test_it_has_the_editors_order_and_as_many_articles_as_a_letter(self, site: Path, settings) -> None:
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, digest_articles=2)
        reader("ada")
        made = [publish(f"Story {n}", SEVEN - n * HOUR) for n in (1, 2, 3)]
        digest.arrange([made[2].pk], SUNDAY, SEVEN - HOUR, "Ada")
        digest.send_due(SEVEN)
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, digest_articles=12)
        actions.rebuild_all(SEVEN)
        assert heads(site) == ["Story 3", "Story 1"], "the list is frozen when it goes"

    def test_corrections_alone_make_no_page(self, site: Path) -> None:
        token = reader("ada")
        article = publish("Dawn", SEVEN - 2 * HOUR)
        digest.send_due(SEVEN)
        add_note(article, "It was nine years.", SEVEN + HOUR, correction=True)
        digest.send_due(SEVEN + DAY)
        build()
        assert "It was nine years." in text(token) and "/issues/" not in text(token)
        assert not there(site, "/issues/2026-11-23/")

    def test_a_test_letter_and_the_send_room_show_the_link(self, site: Path) -> None:
        publish("Dawn", SEVEN - 2 * HOUR)
        assert LINK in room.filling(SEVEN - HOUR).letter.html
        digest.send_test("ada@readers.example", SEVEN - HOUR)
        assert LINK in Delivery.objects.get().body.text

    def test_news_and_corrections_stand_beside_the_articles(self, site: Path) -> None:
        reader("ada")
        dawn = publish("Dawn", SEVEN - 2 * HOUR)
        noon = publish("Noon", SEVEN - 2 * HOUR)
        digest.send_due(SEVEN)
        add_note(dawn, "The boat sank.", SEVEN + HOUR)
        add_note(noon, "It was nine years.", SEVEN + HOUR, correction=True)
        digest.send_due(SEVEN + DAY)
        add_note(noon, "And a half.", SEVEN + DAY + HOUR)
        digest.send_due(SEVEN + 2 * DAY)
        actions.rebuild_all(SEVEN)
        told = " ".join(read(site, "/issues/2026-11-23/").text_content().split())
        assert "New: The boat sank." in told and "It was nine years." in told
        assert "We mailed this on Sunday, 22 November 2026" in told


class TestWithdrawing:
    @pytest.fixture(autouse=True)
    def sent(self, site: Path) -> None:
        reader("ada")
        self.dawn, self.noon = (publish(name, SEVEN - n * HOUR) for n, name in ((2, "Dawn"), (3, "Noon")))
        digest.send_due(SEVEN)
        build()

    def everywhere(self, site: Path) -> str:
        made = [bytes_of(site, path).decode() for path in (PAGE, FILE, "/issues/", "/issues/1/", "/issues/feed.xml")]
        return " ".join([*made, *(etree.tostring(book(site, name)).decode() for name in ("issue.xhtml", "nav.xhtml"))])

    def test_an_article_that_is_withdrawn_goes_from_all_of_it_and_comes_back(self, site: Path) -> None:
        change(self.noon, live=False)
        build()
        assert heads(site) == ["Dawn"] and "Noon" not in self.everywhere(site)
        change(self.noon, live=True)
        build()
        assert heads(site) == ["Dawn", "Noon"]

    def test_one_that_is_put_right_is_so_here(self, site: Path) -> None:
        change(self.dawn, headline="Dawn, put right")
        build()
        assert heads(site) == ["Dawn, put right", "Noon"] and self.everywhere(site).count("Dawn, put right") >= 7

    def test_one_that_is_deleted_goes(self, site: Path) -> None:
        self.dawn.delete()
        build()
        assert heads(site) == ["Noon"] and "Dawn" not in self.everywhere(site)

    def test_with_nothing_left_there_is_no_issue(self, site: Path) -> None:
        for row in (self.dawn, self.noon):
            change(row, live=False)
        build()
        assert not any(there(site, path) for path in (PAGE, BOOK, FILE))
        assert heads(site, "/issues/") == [] and "item" not in bytes_of(site, "/issues/feed.xml").decode()
        change(self.dawn, live=True)
        build()
        assert heads(site) == ["Dawn"]

    def test_what_has_nothing_to_do_with_an_issue_leaves_it_alone(self, site: Path) -> None:
        before = Page.objects.get(path=PAGE).mark
        publish("Evening", SEVEN + HOUR, edition=1)
        build()
        assert Page.objects.get(path=PAGE).mark == before


def test_withdrawn_between_freezing_and_the_build_it_is_on_no_page(site: Path) -> None:
    reader("ada")
    dawn, _ = publish("Dawn", SEVEN - 2 * HOUR), publish("Noon", SEVEN - 3 * HOUR)
    digest.send_due(SEVEN)
    Article.objects.filter(pk=dawn.pk).update(live=False)
    build()
    assert heads(site) == ["Noon"]


def test_an_issue_of_which_nobody_got_a_letter_is_dissolved_with_its_page(site: Path, monkeypatch) -> None:
    reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR)

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("handbill.delivery.actions.hand_over", cut_off)
        with pytest.raises(KeyboardInterrupt):
            digest.send_due(SEVEN)
    build()
    assert there(site)
    digest.send_due(SEVEN + DAY + HOUR)
    build()
    assert not there(site) and heads(site, "/issues/2026-11-23/") == ["Dawn"]
    assert len(heads(site, "/issues/")) == len(heads(site, "/issues/1/")) == 1


def test_killed_in_the_middle_the_next_build_makes_it_whole(site: Path, monkeypatch) -> None:
    reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR)
    digest.send_due(SEVEN)
    real = files.write

    def killed(folder: Path, path: str, content: bytes) -> None:
        if path == BOOK:
            raise KeyboardInterrupt
        real(folder, path, content)

    with monkeypatch.context() as patched:
        patched.setattr(files, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            build()
    assert not there(site, BOOK)
    actions.build(SEVEN + timedelta(minutes=5))
    assert all(there(site, path) for path in (PAGE, BOOK, FILE))
    assert not [name for name in files.names(site) if name.endswith(".tmp")]


def test_the_same_articles_make_the_same_bytes(site: Path) -> None:
    reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR, last_published_at=SEVEN - HOUR)
    digest.send_due(SEVEN)
    build()
    before = [bytes_of(site, path) for path in (PAGE, BOOK, FILE, "/issues/", "/issues/feed.xml")]
    actions.rebuild_all(SEVEN + 5 * HOUR)
    assert [bytes_of(site, path) for path in (PAGE, BOOK, FILE, "/issues/", "/issues/feed.xml")] == before
    assert book(site, "package.opf").xpath("//*[@property='dcterms:modified']/text()") == ["2026-11-22T06:00:00Z"]


def test_there_is_nothing_of_a_reader_in_it(site: Path) -> None:
    token = reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR)
    digest.send_due(SEVEN)
    build()
    parts = [zipfile.ZipFile(io.BytesIO(bytes_of(site, BOOK))).read(f"EPUB/{name}") for name in ("issue.xhtml",)]
    for made in (bytes_of(site, PAGE), bytes_of(site, FILE), *parts):
        for word in (READER_SLOT, token, "ada@", "/preferences/", "/unsubscribe/", "/pause/"):
            assert word.encode() not in made, word


def test_what_strangers_wrote_is_words(site: Path) -> None:
    reader("ada")
    evil = "<script>alert(1)</script> & ]]> \"quoted\" 'so' \u202e\ufffe{{ paper }}"
    publish(
        "x", SEVEN - 2 * HOUR, credit=evil[:100], also_reported=[evil], language="<b>", source_address="javascript:a"
    )
    Article.objects.update(headline=evil, excerpt=evil)
    long = publish("w", SEVEN - 3 * HOUR)
    Article.objects.filter(pk=long.pk).update(headline="W" * 300)
    digest.send_due(SEVEN)
    build()
    for path in (PAGE, FILE):
        assert not read(site, path).xpath("//script | //iframe | //@onclick | //a[starts-with(@href, 'java')]")
    for name in ("issue.xhtml", "nav.xhtml", "package.opf"):
        assert not book(site, name).xpath("//*[local-name()='script']")
    assert heads(site)[0].startswith("<script>alert(1)</script> & ]]>") and heads(site)[1] == "W" * 300
    assert book(site, "issue.xhtml").xpath("//*[@lang]/@lang") == ["en"]


def test_the_one_file_asks_nobody_for_anything(site: Path) -> None:
    reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR)
    digest.send_due(SEVEN)
    build()
    page = read(site, FILE)
    assert not page.xpath("//@src | //@srcset | //@poster | //link[@rel!='canonical'] | //script | //form")
    style = page.xpath("//style")[0].text
    assert "url(" not in style and "@import" not in style
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_from_right_to_left_with_an_english_article(site: Path, settings) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, language="ar", name="صحيفة الوادي")
    reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR, language="en")
    publish("حافلة", SEVEN - 3 * HOUR)
    digest.send_due(SEVEN)
    build()
    for path in (PAGE, FILE):
        assert (read(site, path).get("lang"), read(site, path).get("dir")) == ("ar", "rtl")
        assert [(node.get("lang"), node.get("dir")) for node in read(site, path).xpath("//h2")][:2] == [
            ("en", "ltr"),
            (None, None),
        ]
    package, issue = book(site, "package.opf"), book(site, "issue.xhtml")
    assert package.xpath("//*[local-name()='spine']/@page-progression-direction") == ["rtl"]
    assert package.xpath("//*[local-name()='language']/text()") == ["ar", "en"]
    assert (issue.get("lang"), issue.get("dir")) == ("ar", "rtl")
    assert [(node.get("lang"), node.get("dir")) for node in issue.iter(f"{XHTML}h2")] == [("en", "ltr"), (None, None)]


def test_the_book_names_all_its_documents_and_leads_to_each_article(site: Path) -> None:
    reader("ada")
    for n in (1, 2, 3):
        publish(f"Story {n}", SEVEN - n * HOUR)
    digest.send_due(SEVEN)
    build()
    names = {name for name in zipfile.ZipFile(io.BytesIO(bytes_of(site, BOOK))).namelist() if name.startswith("EPUB/")}
    listed = book(site, "package.opf").xpath("//*[local-name()='item']/@href")
    assert names == {f"EPUB/{name}" for name in [*listed, "package.opf"]}
    targets = book(site, "nav.xhtml").xpath("//*[local-name()='a']/@href")
    ids = book(site, "issue.xhtml").xpath("//@id")
    assert targets == [f"issue.xhtml#{one}" for one in ids] and len(ids) == 3


class TestArchive:
    @pytest.fixture
    def years(self, site: Path) -> date:
        """45 days of issues with an article each; the last one's day."""
        for n in range(45):
            self.issue(n)
        build()
        return SUNDAY + timedelta(days=44)

    def issue(self, n: int) -> Issue:
        at = SEVEN + n * DAY
        row = publish(f"Story {n}", at)
        issue = Issue.objects.create(date=SUNDAY + timedelta(days=n), opens=at - DAY, closes=at)
        IssueArticle.objects.create(issue=issue, article=row, position=0)
        pages.publish(issue, dataclasses.replace(pages.ReadingList(), articles=(row.pk,)), at)
        return issue

    def test_newest_first_in_numbered_pages(self, site: Path, years: date) -> None:
        found, path = [], "/issues/"
        while path:
            found += [one for one in read(site, path).xpath("//li/text()") if one not in found]
            path = next(iter(read(site, path).xpath("//nav[@class='turn']/a[@rel='next']/@href")), "")
        assert found == [f"Story {n}" for n in reversed(range(45))]
        assert len(heads(site, "/issues/2/")) == 20 and len(heads(site, "/issues/3/")) == 5
        assert not there(site, "/issues/4/")

    def test_a_new_one_leaves_full_pages_and_other_issues_alone(self, site: Path, years: date) -> None:
        before = {name: (site / name).stat().st_mtime_ns for name in files.names(site)}
        self.issue(45)
        build()
        later = {name: (site / name).stat().st_mtime_ns for name in files.names(site)}
        touched = {name for name in later if name.startswith("issues/") and later[name] != before.get(name)}
        assert touched == {
            "issues/index.html",
            "issues/feed.xml",
            "issues/3/index.html",
            "issues/2027-01-06.epub",
            "issues/2027-01-06.html",
            "issues/2027-01-06/index.html",
        }

    def test_a_full_page_has_the_next_one_from_the_start(self, site: Path) -> None:
        for n in range(19):
            self.issue(n)
        build()
        assert not there(site, "/issues/2/")
        self.issue(19)
        build()
        assert there(site, "/issues/2/") and heads(site, "/issues/2/") == []
        assert read(site, "/issues/1/").xpath("//a[@rel='prev']/@href") == ["/issues/2/"]

    def test_the_feed_has_the_newest_and_a_rebuild_makes_the_same(self, site: Path, years: date) -> None:
        feed = etree.fromstring(bytes_of(site, "/issues/feed.xml"))
        assert len(feed.xpath("//item")) == 20
        assert feed.xpath("//item/link/text()")[0] == f"https://paper.example/issues/{years}/"
        before = {name: (site / name).read_bytes() for name in files.names(site)}
        actions.rebuild_all(SEVEN)
        assert {name: (site / name).read_bytes() for name in files.names(site)} == before

    def test_nothing_stands_at_other_addresses(self, years: date) -> None:
        press = pages.IssuePress({"language": "en"})
        for path in ("/issues/2026-13-40/", "/issues/2020-01-01/", "/issues/0/", "/issues/99/", "/article/x/"):
            assert press(path) is None, path


def test_every_page_leads_to_the_archive_which_stands_from_the_start(site: Path) -> None:
    build()
    assert "/issues/" in read(site, "/").xpath("//footer//a/@href")
    assert "No issue has been sent yet" in read(site, "/issues/").text_content()
    assert re.search(r'type="application/rss\+xml"[^>]* href="/issues/feed.xml"', bytes_of(site, "/issues/").decode())
