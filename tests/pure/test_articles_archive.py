"""Archive pages as plain text, in every shape they come in."""

import textwrap
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.articles.archive import ArchiveEntry, parse_archive

ENTRIES = [
    (
        "Operation Lantern Day 138: Ferry crews vote on the offer",
        "Crews of the night ferry began voting on Monday on a pay offer that would end the longest walkout of the port."
        " The result is expected on Thursday.",
    ),
    ("Who paid for the second bridge?", "Nobody on the council could say. A review begins in June [...]"),
    (
        "Bakers win, millers lose: what the grain ruling means",
        "The court in Obertal sided with eleven bakers against the mill. Its owner will appeal… Read more",
    ),
    ("Rain.", "It rained for the ninth day and the Alm stands a hand below the weir. Continue reading"),
    (
        "A short history of the tram, in 12 objects",
        "From a brass bell to the last paper ticket, an exhibition in the old depot tells how the line made the valley"
        " “and everybody in it”.",
    ),
]

WIDE = [
    "Skip to content\n{body}",
    "\ufeff{body}\n",
    "\n\nSkip to main content\n\n{body}\n\n",
    "{body}\n\nSubscribe\n\nType your email…\n\nSubscribe\n\nJoin 1,234 other subscribers\n\nLoading…\n",
    "Skip to content\n\n{body}\nSign up for our newsletter\nThe valley's best, every Friday.\nEmail Address\nSign up",
    "{body}\n\nThe day’s digest, by mail\nOne letter a day with the headlines of The Paper. You can leave at any time."
    "\nE-mail address\nSign up\n",
    "{body}\n\nDiscover more from The Valley\n\nSubscribe now to keep reading and get access to the full archive.\n\n"
    "Type your email…\n\nSubscribe\n\nContinue reading",
    "{body}\nStay in the loop\nEmail Address\nSubscribe",
    "{body}\n\nOur morning letter\n\nEmail Address\n\nSubscribe\n",
    "{body}\n\nWhat matters, every morning, in your inbox\nWe write it ourselves.\nYour email\nSubscribe\n",
]

SHAPES = {
    "block each": lambda pairs: "\n\n".join(f"{h}\n{e}" for h, e in pairs),
    "blocks in turn": lambda pairs: "\n\n".join(chain.from_iterable(pairs)),
    "lines in turn": lambda pairs: "\n".join(chain.from_iterable(pairs)),
    "wide gaps": lambda pairs: "\n\n\n\n".join(f"{h}\n\n{e}" for h, e in pairs),
    "mixed gaps": lambda pairs: "\n\n".join(f"{h}{chr(10) * (1 + n % 2)}{e}" for n, (h, e) in enumerate(pairs)),
}


def pairs_of(text):
    return [(entry.headline, entry.excerpt) for entry in parse_archive(text).entries]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wide", WIDE)
@pytest.mark.parametrize("count", [1, 3, 4, 5])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_shape_gives_the_same_entries(shape, wide, count, newline):
    text = wide.replace("{body}", SHAPES[shape](ENTRIES[:count])).replace("\n", newline)
    archive = parse_archive(text)
    assert [(entry.headline, entry.excerpt) for entry in archive.entries] == ENTRIES[:count]
    assert archive.refused == ()


WRAPPED = [
    (
        "Harbour reopens after nine days",
        "Ships moved again on Tuesday after the tugs' crews\nhad agreed to a new roster."
        " The port expects to clear\nthe queue by the weekend.",
    ),
    ("Two held over depot fire", "Police said the two men were seen near the depot\nan hour before."),
    ("Mayor's diary found", "A notebook lost in 1962 was found behind a panel of\nthe town hall. It lists debts."),
]


@pytest.mark.parametrize("join", ["{h}\n{e}\n\n", "{h}\n\n{e}\n\n", "{h}\n{e}\n"])
def test_an_excerpt_may_span_lines(join):
    assert pairs_of("".join(join.format(h=h, e=e) for h, e in WRAPPED)) == WRAPPED


def test_read_more_on_its_own_line_stays_with_its_excerpt():
    text = "".join(f"{h}\n{e}\nContinue reading →\n\n" for h, e in WRAPPED)
    assert pairs_of(text) == [(h, f"{e}\nContinue reading →") for h, e in WRAPPED]


def test_a_last_headline_without_an_excerpt_is_kept():
    assert pairs_of(SHAPES["blocks in turn"](ENTRIES) + "\n\nA last word") == [*ENTRIES, ("A last word", "")]
    assert pairs_of(SHAPES["lines in turn"](ENTRIES) + "\nA last word") == [*ENTRIES, ("A last word", "")]
    assert pairs_of(SHAPES["block each"](ENTRIES) + "\n\nA last word") == [*ENTRIES, ("A last word", "")]


def test_articles_about_letters_and_subscribers_are_no_box():
    pairs = [
        ("Subscribers leave the Courier", "A third of its subscribers are gone."),
        ("Newsletter of the year named", "The jury chose a letter about moss. It comes by e-mail every month."),
        ("E-mail turns fifty", "The first e-mail was sent in a quiet room. Nobody kept a copy."),
    ]
    for shape in SHAPES.values():
        assert pairs_of(shape(pairs)) == pairs
        assert pairs_of(shape(pairs) + "\n\nSubscribe\n\nEmail Address\n") == pairs


def test_other_languages():
    arabic = [
        (
            "عملية الفانوس اليوم 138: تصويت الطواقم",
            "بدأت الطواقم التصويت يوم الاثنين على عرض الأجور. النتيجة يوم الخميس.",
        ),
        ("من دفع ثمن الجسر؟", "لم يعرف أحد في المجلس الجواب. تبدأ المراجعة في يونيو […]"),
        ("المطر", "هطل المطر لليوم التاسع."),
    ]
    box = "\n\nاشترك في نشرتنا\nالبريد الإلكتروني\nاشترك"
    for shape in SHAPES.values():
        assert pairs_of("تخطي إلى المحتوى\n" + shape(arabic) + box) == arabic
    assert pairs_of("Zum Inhalt springen\nHafen offen\n\nDer Hafen ist offen.\n\nE-Mail-Adresse\n\nAbonnieren") == [
        ("Hafen offen", "Der Hafen ist offen.")
    ]


def test_excerpts_are_kept_whole():
    long = "word " * 5_000 + "end."
    assert parse_archive(f"One\n{long}\n\nTwo\nShort.").entries[0] == ArchiveEntry("One", long)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no headline"),
        ("\n \ufeff\n", "holds no headline"),
        ("Skip to content\n\nSubscribe\nEmail", "holds no headline"),
        ("<!DOCTYPE html><p>x", "is HTML"),
        ("x" * 400 + "\nAn excerpt.\n\nA headline\nAnother excerpt.", "Line 1: a headline of 400 characters"),
    ],
)
def test_odd_files_are_refused_in_words(text, says):
    assert says in parse_archive(text).refused[0]


def test_a_refused_headline_costs_only_its_own_entry():
    assert pairs_of("x" * 400 + "\nAn excerpt.\n\nA headline\nAnother excerpt.") == [("A headline", "Another excerpt.")]


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("handbill.articles.archive.MOST_CHARACTERS", 10)
    assert "split it" in parse_archive("A headline\nAn excerpt").refused[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_very_long_archive(shape):
    pairs = [
        (f"Harbour Works Day {n}: the crane moves", f"On day {n} the crane moved. Nobody was hurt.")
        for n in range(20_000)
    ]
    assert pairs_of("Skip to content\n" + SHAPES[shape](pairs) + "\n\nSubscribe") == pairs


@given(st.text(alphabet=st.sampled_from("ab .\n…[]S\r\ufeff\0"), max_size=300) | st.text(max_size=300))
def test_never_an_exception_and_no_line_invented(text):
    archive = parse_archive(text)
    for entry in archive.entries:
        assert entry.headline.strip() == entry.headline != ""
        assert entry.excerpt.strip() == entry.excerpt


def test_a_lone_invitation_at_the_end_is_the_box():
    for shape in SHAPES.values():
        assert pairs_of(shape(ENTRIES) + "\n\nSubscribe to our newsletter") == ENTRIES


def test_excerpts_that_break_off_anywhere():
    broken = [(headline, f"{excerpt * 2}"[: 150 + 7 * n]) for n, (headline, excerpt) in enumerate(ENTRIES * 4)]
    broken = [(headline, excerpt.strip(" .")) for headline, excerpt in broken]
    for shape in SHAPES.values():
        assert pairs_of(shape(broken)) == broken


def test_broken_lines_without_blank_ones_show_their_paragraphs_by_their_width():
    told = (
        "The crane of the old yard lifted the last pile from the mud on Monday while the school watched from the wall"
    )
    pairs = [(f"Pile {n} comes out at last", textwrap.fill(f"{told} and cheered. {told}.", 64)) for n in range(6)]
    assert pairs_of(SHAPES["lines in turn"](pairs)) == pairs


@pytest.mark.parametrize(
    "text",
    [
        "a" * 2_000_000,
        "a\n" * 100_000,
        "...\n" * 200_000,
        "Subscribe\n" * 100_000,
        "«" * 500_000 + "\nx",
        "x\n" + "." * 500_000 + "x",
        "x\n" + "[" * 500_000 + "x",
        "x\nread more" + " " * 500_000 + "x",
    ],
)
def test_hostile_pages_cost_no_more_than_their_length(text):
    assert parse_archive(text)
