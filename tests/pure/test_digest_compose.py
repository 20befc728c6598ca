"""Letters as they are: golden files, and what must hold for any letter.

``HANDBILL_TEST_GOLDEN=write`` writes the golden files anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_models import ARABIC, FERRY, MODELS, OWN, SITE, dozen, model
from lxml import html as lxml_html

from handbill.delivery.records import READER_SLOT
from handbill.digest.compose import GOOD_SIZE, compose
from handbill.digest.errors import PlanError
from handbill.digest.phrases import outlets_line
from handbill.digest.records import LetterArticle, SeriesPart
from handbill.digest.wording import _LANGUAGES, counted, date_line, words

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_letter_is_the_golden_one(name: str) -> None:
    letter = compose(MODELS[name])
    for suffix, part in (("html", letter.html), ("txt", f"Subject: {letter.subject}\n\n{letter.text}")):
        path = GOLDEN / f"letter-{name}.{suffix}"
        if os.environ.get("HANDBILL_TEST_GOLDEN") == "write":
            path.write_text(part, "utf-8")
        assert part == path.read_text("utf-8"), path.name


@pytest.mark.parametrize("name", sorted(MODELS))
def test_nothing_remote_and_only_known_links(name: str) -> None:
    letter = compose(MODELS[name])
    page = lxml_html.fromstring(letter.html.encode())
    assert not page.xpath("//img|//link|//script|//iframe|//form|//*[@background]|//*[@onclick]")
    assert "url(" not in letter.html and "@import" not in letter.html
    sources = {one.source_address for one in MODELS[name].articles}
    for link in page.xpath("//a/@href"):
        assert link.startswith(SITE + "/") or link in sources, link
        assert link.startswith("https://")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_language_direction_and_landmarks(name: str) -> None:
    page = lxml_html.fromstring(compose(MODELS[name]).html.encode())
    assert page.get("lang") == MODELS[name].language
    assert page.get("dir") == ("rtl" if MODELS[name].language == "ar" else "ltr")
    assert len(page.xpath("//*[@role='article']")) == 1
    assert len(page.xpath("//h2")) == len(MODELS[name].articles)
    assert all(table.get("role") == "presentation" for table in page.xpath("//table"))


def test_each_article_says_its_own_language() -> None:
    page = lxml_html.fromstring(compose(MODELS["mixed"]).html.encode())
    assert [(head.get("lang"), head.get("dir")) for head in page.xpath("//h2")] == [
        ("de", "ltr"),
        ("ar", "rtl"),
        (None, None),
    ]


def test_a_dozen_stays_small_and_a_flood_is_shortened() -> None:
    assert len(compose(model(*dozen())).html.encode()) < GOOD_SIZE
    flood = [replace(one, excerpt="報道 " * 4000, headline="Über " * 200) for one in dozen()]
    letter = compose(model(*flood))
    assert len(letter.html.encode()) <= GOOD_SIZE and len(letter.text.encode()) < 100_000


def test_the_subject_is_the_lead_and_the_preheader_the_next_two() -> None:
    letter = compose(model(*dozen()))
    assert letter.subject == FERRY.headline
    hidden = lxml_html.fromstring(letter.html.encode()).xpath("string(//*[@class='preheader'])")
    assert hidden == "Bakers stay out for a nineteenth week · How we count the votes of the valley council"
    assert "12 stories, 5 minutes" in letter.html


def test_a_test_letter_says_so_in_the_papers_language() -> None:
    assert compose(model(OWN), test=True).subject.startswith("[Test] ")
    assert compose(model(ARABIC, language="ar"), test=True).subject.startswith("[تجربة] ")


def test_a_letter_without_articles_is_a_bug() -> None:
    with pytest.raises(PlanError):
        compose(model())


@pytest.mark.parametrize(
    ("credit", "others", "line"),
    [
        ("", (), ""),
        ("A", (), ""),
        ("A", ("B",), "A and B"),
        ("A", ("B", "C"), "A, B and 1 more"),
        ("A", ("B", "A", "C", "D", "E"), "A, B and 3 more"),
    ],
)
def test_who_reported_it(credit: str, others: tuple[str, ...], line: str) -> None:
    one = replace(FERRY, credit=credit, also_reported=others)
    assert outlets_line(one, words("en")) == line


def test_a_name_in_the_other_direction_stands_apart() -> None:
    one = replace(ARABIC, also_reported=("City Desk",))
    assert outlets_line(one, words("en")) == "\u2068صوت الوادي\u2069 and City Desk"
    assert outlets_line(one, words("ar")) == "صوت الوادي و\u2068City Desk\u2069"


def test_an_own_article_names_its_writer() -> None:
    assert outlets_line(OWN, words("en")) == "Ada Lind"


@pytest.mark.parametrize(
    ("code", "line"),
    [("en", "Sunday, 22 November 2026"), ("de", "Sonntag, 22. November 2026"), ("ar", "الأحد، 22 نوفمبر 2026")],
)
def test_the_date_is_written_out(code: str, line: str) -> None:
    assert date_line(words(code), date(2026, 11, 22)) == line


@pytest.mark.parametrize(
    ("count", "form"), [(1, "خبر واحد"), (2, "خبران"), (3, "3 أخبار"), (11, "11 خبرا"), (103, "103 أخبار")]
)
def test_arabic_counts_in_its_own_way(count: int, form: str) -> None:
    assert counted(words("ar").stories, "ar", count) == form


@pytest.mark.parametrize("said", _LANGUAGES.values(), ids=lambda said: said.language)
def test_every_language_is_whole(said) -> None:
    assert (len(said.months), len(said.weekdays)) == (12, 7)
    for forms in (said.stories, said.minutes, said.more, said.and_more):
        assert "{count}" in forms["other"] and "one" in forms


def test_the_text_part_is_wrapped_with_numbered_links() -> None:
    text = compose(MODELS["dozen"]).text
    for line in text.splitlines():
        assert len(line) <= 72 or "https://" in line
    numbers = re.findall(r"^\[(\d+)\] https://\S+$", text, re.MULTILINE)
    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
    body = text.partition("\nLinks\n")[0]
    assert all(f"[{number}]" in body for number in numbers)
    assert "Unsubscribe:\nhttps://paper.example/unsubscribe/HANDBILL-READER-TOKEN/" in text


nasty = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    [
        "</h2><script>x</script>",
        "a\r\nBcc: x@y.example",
        '"><img src=x onerror=1>',
        "{0}{subject}",
        "&amp;",
        "\u202eabc",
    ]
)
articles = st.builds(
    LetterArticle,
    headline=nasty,
    excerpt=nasty,
    address=st.just(f"{SITE}/article/x/"),
    credit=nasty,
    also_reported=st.lists(nasty, max_size=3).map(tuple),
    source_address=st.sampled_from(["", "javascript:x", "https://a.example/?q='\"<>&", "https://a.example/\n"]),
    language=st.sampled_from(["", "ar", "de"]),
    topics=st.lists(nasty, max_size=2).map(tuple),
    series=st.none() | st.builds(SeriesPart, name=nasty, number=st.none() | st.integers(1, 999)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(articles, min_size=1, max_size=3))
def test_no_field_breaks_out_of_the_letter(found: list[LetterArticle]) -> None:
    letter = compose(model(*found))
    assert letter.subject and not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", letter.subject)
    page = lxml_html.fromstring(letter.html.encode())
    assert not page.xpath("//script|//img|//*[@onerror]")
    assert len(page.xpath("//h2")) == len(found)
    assert all(link.startswith("https://") for link in page.xpath("//a/@href"))
    assert compose(model(*found)) == letter


@pytest.mark.parametrize("smuggled", [READER_SLOT, READER_SLOT.replace("-", "-\u200b"), READER_SLOT * 2])
def test_what_an_outlet_wrote_never_gets_a_readers_token(smuggled: str) -> None:
    """Delivery puts each reader's own token wherever the slot stands: a feed that writes it must not get one."""
    part = SeriesPart(f"Week {smuggled}", 2, f"{SITE}/article/before/")
    hostile = LetterArticle(
        headline=f"News {smuggled}",
        excerpt=f"Read {smuggled} now.",
        address=f"{SITE}/article/news/",
        credit=smuggled,
        also_reported=(smuggled, "City Desk"),
        source_address=f"https://hostile.example/?reader={smuggled}",
        topics=(smuggled,),
        series=part,
    )
    letter, plain = compose(model(hostile)), compose(model(OWN))
    assert READER_SLOT not in letter.subject
    assert letter.html.count(READER_SLOT) == plain.html.count(READER_SLOT) == 2
    assert letter.text.count(READER_SLOT) == plain.text.count(READER_SLOT) == 2


def test_a_letter_that_stays_large_without_excerpts_is_still_one_letter():
    far = f"https://outlet.example/{'a' * 1900}"
    composed = compose(model(*(replace(article, address=far, source_address=far) for article in dozen())))
    assert len(composed.html.encode()) > GOOD_SIZE
    assert composed.text
