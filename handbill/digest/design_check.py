"""Check a newsroom's own design of the letter: what broke, in which file and line, and what to do.

Beside what each file must be, a letter is tried with it twice: once of ordinary words, once of words that try to be
markup. Both must come out as the same elements, else what an outlet writes could change the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import css_inline
from lxml import html as lxml_html

from handbill.delivery.records import READER_SLOT
from handbill.digest.compose import compose
from handbill.digest.design import (
    COLOURS,
    CORRECTION,
    FILES,
    ITEM,
    PAGE,
    FileDesign,
    compile_design,
    read_files,
    shipped,
    with_logo,
)
from handbill.digest.design_files import DesignTrouble, Trouble
from handbill.digest.lint.check import check_letter
from handbill.digest.lint.contrast import ratio
from handbill.digest.records import LetterArticle, LetterCorrection, LetterModel, SeriesPart

MOST_PAGE = 20_000  # bytes of what stands around the articles
ENOUGH = 4.5  # contrast of text, as WCAG AA asks for
_SITE = "https://paper.example"
_REFUSED = ("script", "iframe", "object", "embed", "form", "link", "base", "video", "audio")
_SAID = frozenset({"href", "src", "alt", "title", "aria-label", "content"})
_HOSTILE = "javascript:alert(1)//x\"'></style>--><script>x</script> onmouseover=x style=x {{ paper }} <b>"


def check_design(folder: Path) -> tuple[FileDesign, list[Trouble]]:
    """The design of ``folder``, or the shipped one where there are troubles."""
    files, troubles = read_files(folder)
    if not troubles:
        troubles = list(_broken(files))
    if troubles:
        return shipped(), troubles
    try:
        design = with_logo(compile_design(files), folder)
        troubles = [*_faint(design), *_tried(design)]
    except DesignTrouble as error:
        return shipped(), [error.trouble]
    except (css_inline.InlineError, ValueError) as error:
        what = f"A letter can't be made with this ({error}). Look for words outside of quotes, and for broken styles."
        troubles = [Trouble(ITEM, 0, what)]
    return (shipped() if troubles else design), list(dict.fromkeys(troubles))


def _broken(files: Mapping[str, str]) -> Iterator[Trouble]:
    """The first trouble of each file: the others are taken from the shipped design."""
    sound = {name: (Path(__file__).parent / "letter" / name).read_text("utf-8") for name in FILES}
    for name in FILES:
        try:
            compile_design({**sound, name: files[name]})
        except DesignTrouble as error:
            yield error.trouble


def _faint(design: FileDesign) -> Iterator[Trouble]:
    for mode, colours in design.colours.items():
        for name in ("ink", "quiet", "accent"):
            found = ratio(colours[name], colours["paper"])
            if found < ENOUGH:
                what = f"[{mode}] {name} is too faint on its paper: {found:.1f} to 1. Choose colours of at least 4.5."
                yield Trouble(COLOURS, 0, what)


def _tried(design: FileDesign) -> Iterator[Trouble]:
    plain, hostile = (_pieces(text, design) for text in ("Plain words", _HOSTILE))
    if len(plain[0].encode()) > MOST_PAGE:
        yield Trouble(PAGE, 0, f"The page around the articles is larger than {MOST_PAGE} bytes. Make it shorter.")
    for found in check_letter(compose(_model("Plain words"), design).html):
        if found.level == "problem" and found.what != "contrast":
            yield Trouble(PAGE, 0, f"In a letter made with this: {found.told}")
    for name, one, other in zip((PAGE, ITEM, ITEM, CORRECTION), plain, hostile, strict=True):
        if _shape(one) != _shape(other):
            what = "What an outlet writes gets out of its place. Show words as text or between double quotes only."
            yield Trouble(name, 0, what)
        yield from _missing(name, one)
        yield from _strange(name, one)


def _pieces(words: str, design: FileDesign) -> tuple[str, ...]:
    """The page around, two articles, a correction."""
    pieces = compose(_model(words), design).html_pieces
    place = next(number for number, piece in enumerate(pieces) if "/article/one/" in piece)
    before, after = pieces[:place], pieces[place + 3 :]
    return ("".join(before + after), *pieces[place : place + 3])


def _missing(name: str, html: str) -> Iterator[Trouble]:
    wanted = {
        PAGE: {
            f'href="{_SITE}/unsubscribe/{READER_SLOT}/"': '<a href="{{ unsubscribe }}">{{ unsubscribe_words }}</a>',
            f'href="{_SITE}/preferences/{READER_SLOT}/"': '<a href="{{ preferences }}">{{ preferences_words }}</a>',
            "4 Mill Lane": "{% for line in sender %}{{ line }}<br>{% endfor %}",
            "You get this because": "{{ why }}",
            'role="article"': 'role="article" on the element around the letter',
        },
        ITEM: {
            f'href="{_SITE}/article/': '<a href="{{ address }}">{{ headline }}</a>',
            "What is new": "{% if new %}{{ new }}{% endif %}",
            'dir="ltr"': 'lang="{{ language }}" dir="{{ direction }}"',
        },
        CORRECTION: {"What was wrong": "{{ text }}"},
    }
    for sign, cure in wanted[name].items():
        if sign not in html:
            yield Trouble(name, 0, f"A letter can't go without this: {cure}. Write it in.")


def _strange(name: str, html: str) -> Iterator[Trouble]:
    page = lxml_html.fragment_fromstring(html, create_parent="div")
    for tag in _REFUSED:
        if page.find(f".//{tag}") is not None:
            yield Trouble(name, 0, f"Mail programs refuse <{tag}>. Take it out.")
    loaded = [str(address) for address in page.xpath("//@src|//@background")]
    linked = [str(address) for address in page.xpath("//@href")]
    for address in [one for one in loaded if not one.startswith(f"{_SITE}/")][:1]:
        yield Trouble(name, 0, f"{address[:60]} is loaded from elsewhere and tells who reads. Take it out.")
    for address in [one for one in linked if not one.startswith(("https://", "http://", "mailto:"))][:1]:
        yield Trouble(name, 0, f"{address[:60]} is no address to follow. Begin with https://, or take it out.")


def _shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Its elements and what each has, but for what may differ from letter to letter: words and where links lead."""
    page = lxml_html.fragment_fromstring(html, create_parent="div")
    return [
        (str(one.tag), tuple(sorted(f"{name}={'' if name in _SAID else value}" for name, value in one.attrib.items())))
        for one in page.iter()
    ]


def _model(words: str) -> LetterModel:
    part = SeriesPart(words, 2, f"{_SITE}/article/before/")
    whole = LetterArticle(
        headline=words,
        excerpt=words,
        address=f"{_SITE}/article/one/",
        credit=words,
        also_reported=(f"{words} A", f"{words} B", f"{words} C"),
        source_address="https://outlet.example/1",
        topics=(words, f"{words} again"),
        series=part,
        new=f"What is new: {words}",
    )
    correction = LetterCorrection(words, f"What was wrong: {words}", f"{_SITE}/article/two/", date(2026, 11, 20))
    return LetterModel(
        paper=words,
        address=_SITE,
        postal_address=f"4 Mill Lane\n{words}",
        language="en",
        day=date(2026, 11, 22),
        articles=(whole, replace(whole, also_reported=())),
        preferences=f"{_SITE}/preferences/{READER_SLOT}/",
        unsubscribe=f"{_SITE}/unsubscribe/{READER_SLOT}/",
        pause=f"{_SITE}/pause/{READER_SLOT}/",
        web=f"{_SITE}/issues/2026-11-22/",
        other_addresses=("https://other.example", "http://paper.onion"),
        more=3,
        corrections=(correction,),
    )
