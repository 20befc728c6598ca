"""Letters as they are: golden files, and what must hold for any letter.

``HANDBILL_TEST_GOLDEN=write`` writes the golden files anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import wcwidth
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_models import ARABIC, FERRY, MODELS, OWN, SITE, dozen, forty, model
from lxml import html as lxml_html

from handbill.delivery.engine.stamp import compile_letter
from handbill.delivery.records import READER_SLOT
from handbill.digest.compose import GOOD_SIZE, MOST_SIZE, Pieces, whole
from handbill.digest.compose import compose as compose_with
from handbill.digest.design import shipped
from handbill.digest.errors import PlanError
from handbill.digest.phrases import outlets_line
from handbill.digest.records import ComposedLetter, Cut, LetterArticle, LetterModel, SeriesPart
from handbill.digest.wording import words

GOLDEN = Path(__file__).parent / "golden" / "letters"
WITH_HTML = sorted(set(MODELS) - {"text-alone"})


def compose(model: LetterModel, **more) -> ComposedLetter:
    return compose_with(model, shipped(), **more)


def as_mail(model: LetterModel) -> bytes:
    """The letter as a reader gets it, with a token and a moment that stay the same."""
    letter = compose(model)
    stamp = compile_letter(
        sender="The Valley Paper <news@paper.example>",
        subject=letter.subject,
        html=letter.html,
        text=letter.text,
        language=model.language,
        one_click=model.unsubscribe,
    )
    moment = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    return stamp.copy("bob@reader.example", "letter@paper.example", moment, "a-readers-token")


@pytest.mark.parametrize("name", WITH_HTML)
def test_the_letter_is_the_golden_one(name: str) -> None:
    path = GOLDEN / f"{name}.eml"
    mail = as_mail(MODELS[name])
    if os.environ.get("HANDBILL_TEST_GOLDEN") == "write":
        path.write_bytes(mail)
    assert mail == path.read_bytes(), path.name


@pytest.mark.parametrize("name", WITH_HTML)
def test_nothing_remote_and_only_known_links(name: str) -> None:
    letter = compose(MODELS[name])
    page = lxml_html.fromstring(letter.html.encode())
    assert not page.xpath("//img|//link|//script|//iframe|//form|//*[@background]|//*[@onclick]")
    assert "url(" not in letter.html and "@import" not in letter.html
    known = {*MODELS[name].other_addresses, *(one.source_address for one in MODELS[name].articles)}
    for link in page.xpath("//a/@href"):
        assert link.startswith(SITE + "/") or link in known, link
        assert link.startswith(("https://", "http://"))


@pytest.mark.parametrize("name", WITH_HTML)
def test_language_direction_and_landmarks(name: str) -> None:
    page = lxml_html.fromstring(compose(MODELS[name]).html.encode())
    assert page.get("lang") == MODELS[name].language
    assert page.get("dir") == ("rtl" if MODELS[name].language == "ar" else "ltr")
    assert len(page.xpath("//*[@role='article']")) == 1
    shown = len(MODELS[name].articles) + len(MODELS[name].corrections)
    assert len(page.xpath("//h2")) == len(page.xpath("//table[@lang and @dir]")) == shown
    assert all(table.get("role") == "presentation" for table in page.xpath("//table"))


def test_each_article_says_its_own_language() -> None:
    page = lxml_html.fromstring(compose(MODELS["mixed"]).html.encode())
    items = page.xpath("//table[@lang]")
    assert [(one.get("lang"), one.get("dir")) for one in items] == [
        ("de", "ltr"),
        ("ar", "rtl"),
        ("en", "ltr"),
        ("ja", "ltr"),
    ]
    assert {(one.get("lang"), one.get("dir")) for one in page.xpath("//p[contains(@class, 'credit')]")} == {
        ("en", "ltr")
    }


def test_a_dozen_stays_small_and_a_flood_is_shortened_evenly() -> None:
    assert len(compose(model(*dozen())).html.encode()) < GOOD_SIZE
    assert compose(model(*dozen())).cuts == ()
    flood = [replace(one, excerpt="報道 " * 4000, headline="Über " * 200) for one in dozen()]
    letter = compose(model(*flood))
    assert len(letter.html.encode()) <= GOOD_SIZE and len(letter.text.encode()) < 100_000
    assert {one.what for one in letter.cuts if one.place == 0} == {"headline", "excerpt"}


def test_of_forty_articles_the_last_become_headlines_and_the_editor_can_see_which() -> None:
    letter = compose(MODELS["forty"])
    assert 30_000 < len(letter.html.encode()) <= GOOD_SIZE
    assert letter.html.count("<h2") == 40 and "40 stories" in letter.html
    bare = [one.place for one in letter.cuts if one.what == "headline only"]
    assert bare == list(range(bare[0], 40)) and bare[0] >= 5
    assert Cut(0, "excerpt") in letter.cuts


def test_what_never_fits_is_left_out_and_counted() -> None:
    far = f"{SITE}/article/{'a' * 3000}/"
    letter = compose(model(*(replace(one, address=f"{far}{n}") for n, one in enumerate(forty())), more=2))
    left_out = [one.place for one in letter.cuts if one.what == "left out"]
    assert 60_000 < len(letter.html.encode()) <= MOST_SIZE
    assert left_out == list(range(letter.html.count("<h2"), 40))
    assert f"{len(left_out) + 2} more stories today" in letter.html and "40 stories" not in letter.html


def test_the_issue_on_the_site_keeps_to_the_limits_of_a_letter_and_has_room_for_all() -> None:
    long = replace(FERRY, headline="Ferry " * 100, excerpt="A long line. " * 400, also_reported=("X",) * 90)
    shown = whole(model(*[long] * 40))
    assert len(shown.articles) == 40 and shown.more == 0
    for one in shown.articles:
        assert len(one.headline) <= 300 and 1000 < len(one.excerpt) <= 1200 and len(one.also_reported) == 40


def test_a_letter_of_text_alone_has_no_html() -> None:
    plain, whole = compose(MODELS["text-alone"]), compose(replace(MODELS["text-alone"], plain=False))
    assert plain.html == "" and whole.html and plain.text == whole.text


def test_what_is_new_stands_before_the_excerpt_and_a_correction_says_what_was_wrong_when() -> None:
    letter = compose(MODELS["told-before"])
    for part in (letter.html, letter.text.replace("\n", " ")):
        news = part.index("The owners offered the whole night bonus")
        assert news < part.index("Talks between the bakers") < part.index("It has fourteen.")
        assert "Friday, 20 November 2026" in part
    alone = compose(MODELS["correction"])
    assert alone.subject == "Correction: Clinic keeps its emergency room at weekends"
    assert "1 correction" in alone.html and "It has fourteen." in alone.text


def test_an_articles_piece_is_made_once_and_is_the_same_in_every_letter() -> None:
    made: Pieces = {}
    first, second = (compose(model(OWN, *rest), made=made) for rest in ((FERRY, ARABIC), (ARABIC, FERRY)))
    assert len(made) == 3
    shared = set(first.html_pieces) & set(second.html_pieces)
    assert sum("<h2" in piece for piece in shared) == 3
    assert compose(model(OWN, ARABIC, FERRY)) == second


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


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_text_part_is_wrapped_by_what_a_terminal_shows(name: str) -> None:
    text = compose(MODELS[name]).text
    for line in text.splitlines():
        assert wcwidth.width(line) <= 72 or re.fullmatch(r"(\[\d+\] )?https?://\S+", line), line
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_links_are_numbered_and_listed_under_each_article() -> None:
    pieces = [piece for piece in compose(MODELS["dozen"]).text_pieces if "\n[1] " in piece]
    assert len(pieces) == 13
    for piece in pieces:
        numbers = re.findall(r"^\[(\d+)\] https://\S+$", piece, re.MULTILINE)
        assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
        assert all(re.search(rf"\w \[{number}\]", piece) for number in numbers)
    assert "Unsubscribe:\nhttps://paper.example/unsubscribe/HANDBILL-READER-TOKEN/" in compose(MODELS["dozen"]).text


def test_no_letter_is_torn_from_its_marks() -> None:
    family, marked = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "q\u0323"
    text = compose(model(replace(OWN, headline=marked * 100, excerpt=family * 100))).text
    lines = [line for line in text.splitlines() if "\u0323" in line or "\u200d" in line]
    assert len(lines) == 5
    assert all(line[0] in "q\U0001f468" and line.rstrip(" [1]")[-1] in "\u0323\U0001f467" for line in lines)


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
    assert letter.html.count(READER_SLOT) == plain.html.count(READER_SLOT) == 3
    assert letter.text.count(READER_SLOT) == plain.text.count(READER_SLOT) == 3
