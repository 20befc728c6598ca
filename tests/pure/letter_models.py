"""Letters to look at: one article, a full dozen, right to left, mixed languages. Used by the golden files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from handbill.delivery.records import READER_SLOT
from handbill.digest.records import LetterArticle, LetterCorrection, LetterModel, SeriesPart

SITE = "https://paper.example"


def model(*articles: LetterArticle, **more) -> LetterModel:
    """A letter of The Valley Paper; ``more`` overrides any field."""
    fields = {
        "paper": "The Valley Paper",
        "address": SITE,
        "postal_address": "4 Mill Lane\nRiverton",
        "language": "en",
        "day": date(2026, 11, 22),
        "preferences": f"{SITE}/preferences/{READER_SLOT}/",
        "unsubscribe": f"{SITE}/unsubscribe/{READER_SLOT}/",
        "pause": f"{SITE}/pause/{READER_SLOT}/",
    }
    return LetterModel(articles=articles, **{**fields, **more})


FERRY = LetterArticle(
    headline="River ferry returns after nine years, with a bell and no timetable",
    excerpt="The council voted nine to four on Tuesday to bring back the ferry between Riverton and the east"
    " bank. The boat,"
    " built in 1961 and kept in a barn since the bridge opened, will cross whenever six people wait,"
    " said the mayor, Ines"
    " Holm. Schools asked for it most: 140 children walk the bridge each morning beside lorries. The crossing will cost"
    " what a bus ticket costs, and nothing for who brings a bicycle. Four members voted against, because"
    " nobody could say"
    " who pays when the ice comes. The first boat is planned for the second week of March.",
    address=f"{SITE}/article/river-ferry-returns/",
    credit="Valley Monitor",
    also_reported=("City Desk", "East Bank Radio", "The Riverton Letter", "Lantern"),
    source_address="https://monitor.example/2026/ferry?from=feed&n=1",
    topics=("Transport",),
)
STRIKE = LetterArticle(
    headline="Bakers stay out for a nineteenth week",
    excerpt="Talks between the bakers of the three valley mills and their owners ended on Monday without a date for the"
    " next round. The bakers want the night bonus back that was cut in spring; the owners offer half of it. Bread comes"
    " from across the pass for now and costs a third more.",
    address=f"{SITE}/article/bakers-nineteenth-week/",
    credit="City Desk",
    source_address="https://citydesk.example/bakers-19",
    topics=("Work",),
    series=SeriesPart("Strike week", 19, f"{SITE}/article/bakers-eighteenth-week/"),
)
OWN = LetterArticle(
    headline="How we count the votes of the valley council",
    excerpt="We publish every vote of the council with the names of those who cast it. This is how we do it, and"
    " where we"
    " have been wrong.",
    address=f"{SITE}/article/how-we-count/",
    credit="Ada Lind",
)
GERMAN = LetterArticle(
    headline="Pegel fällt: Schifffahrt auf der Oberen Aue bis Montag eingestellt",
    excerpt="Die Wasserwacht hat den Verkehr auf der Oberen Aue bis Montag gesperrt. Der Pegel steht bei 61"
    " Zentimetern,"
    " dem niedrigsten Wert seit Beginn der Messung. Betroffen sind zwölf Boote, die Sand für den Deich bringen.",
    address=f"{SITE}/article/pegel-f%C3%A4llt/",
    credit="Auebote",
    also_reported=("Radio Ost",),
    source_address="https://auebote.example/pegel",
    language="de",
    topics=("Weather",),
)
ARABIC = LetterArticle(
    headline="المكتبة القديمة تفتح أبوابها من جديد بعد ترميم دام عامين",
    excerpt="تفتح المكتبة القديمة في حي الطاحونة أبوابها يوم السبت بعد ترميم دام عامين. أعاد الحرفيون بناء السقف"
    " الخشبي كما كان،"
    " ونُقلت الكتب من القبو الرطب إلى قاعات جديدة. يقول المدير إن نصف المال جاء من تبرعات سكان الحي."
    " الدخول مجاني في الشهر الأول.",
    address=f"{SITE}/article/old-library/",
    credit="صوت الوادي",
    also_reported=("بريد الضفة", "Valley Monitor"),
    source_address="https://sawt.example/library",
    language="ar",
    topics=("ثقافة",),
)
_DOZEN = (
    "Night trains to the coast sold out until spring",
    "Two schools share one roof, and one headteacher",
    "Court lets the quarry dig on, but only by day",
    "Market square trees win a reprieve of five years",
    "Clinic keeps its emergency room at weekends",
    "Old mill to become forty flats, a third of them cheap",
    "Bees found in the tower of the fire station",
    "Power cut leaves the upper town dark for six hours",
)


def dozen() -> tuple[LetterArticle, ...]:
    """Twelve articles of an ordinary day."""
    rest = tuple(
        LetterArticle(
            headline=headline,
            excerpt=f"{headline}, after months of argument. "
            + "What was decided on Tuesday holds until the summer. " * 9,
            address=f"{SITE}/article/story-{number}/",
            credit="City Desk",
            also_reported=("Valley Monitor",) * (number % 2),
            source_address=f"https://citydesk.example/{number}",
            topics=("Town", "Council")[: 1 + number % 2],
        )
        for number, headline in enumerate(_DOZEN)
    )
    return (FERRY, STRIKE, OWN, GERMAN, *rest)


def forty() -> tuple[LetterArticle, ...]:
    """More than a letter has room for."""
    return tuple(
        replace(one, headline=f"{one.headline} ({number})", address=f"{SITE}/article/of-forty-{number}/")
        for number, one in enumerate((dozen() * 4)[:40])
    )


LONG = LetterArticle(
    "A headline that goes on and on, as no editor would let it stand " * 8,
    "",
    f"{SITE}/article/long/",
    source_address="javascript:alert(1)",
)
UNBROKEN = LetterArticle("Donaudampfschifffahrts" * 23, "Wort" * 60, f"{SITE}/article/unbroken/", credit="Auebote")
JAPANESE = LetterArticle(
    "川の渡し船、九年ぶりに復活、時刻表はなく鐘だけが頼り",
    "町議会は火曜日、リバートンと東岸を結ぶ渡し船を九対四で復活させることを決めた。" * 4,
    f"{SITE}/article/ferry-in-japanese/",
    credit="谷の新聞",
    source_address="https://tani.example/ferry",
    language="ja",
)
WRONG = LetterCorrection(
    "Clinic keeps its emergency room at weekends",
    "We wrote that the clinic has forty beds. It has fourteen.",
    f"{SITE}/article/clinic/",
    date(2026, 11, 20),
)
AGAIN = replace(STRIKE, new="The owners offered the whole night bonus on Saturday; the bakers vote on Monday.")

MODELS = {
    "one": model(OWN),
    "dozen": model(
        *dozen(),
        more=4,
        web=f"{SITE}/issues/2026-11-22/",
        other_addresses=("https://mirror.example", "http://paper7xk.onion"),
    ),
    "forty": model(*forty()),
    "mixed": model(GERMAN, ARABIC, FERRY, JAPANESE),
    "told-before": model(AGAIN, FERRY, corrections=(WRONG,)),
    "correction": model(corrections=(WRONG,)),
    "text-alone": model(OWN, STRIKE, plain=True),
    "right-to-left": model(
        ARABIC,
        replace(FERRY, language="en"),
        replace(STRIKE, language="en"),
        paper="صحيفة الوادي",
        language="ar",
        postal_address="شارع الطاحونة ٤",
        more=3,
    ),
    "german": model(GERMAN, STRIKE, paper="Das Talblatt", language="de"),
    "long-headlines": model(LONG, UNBROKEN),
    "no-excerpt": model(
        LetterArticle("No excerpt, no credit", "", f"{SITE}/article/none/"),
        LetterArticle(
            "Nor here", "", f"{SITE}/article/nor/", credit="City Desk", source_address="https://city.example/"
        ),
        postal_address="",
    ),
}
