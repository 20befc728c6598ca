"""One letter: composed and checked, in CPU milliseconds, with the shipped design; a part of ``bench.digest``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date

from bench.rows import Row, at_most
from handbill.delivery.records import READER_SLOT
from handbill.digest.compose import Pieces, compose
from handbill.digest.design import shipped
from handbill.digest.lint.check import check_letter
from handbill.digest.records import LetterArticle, LetterModel

ARTICLES = 12
SITE = "https://paper.example"
SENTENCE = "The council voted nine to four on Tuesday to bring back the ferry between the two banks of the river. "


def letter_rows(quick: bool) -> Iterator[Row]:
    """A letter of twelve articles, the first of its day and one that shares all of them; bytes; the check."""
    rounds, model, design = (20 if quick else 200), _model(), shipped()
    made: Pieces = {}
    composed = compose(model, design, made=made)
    yield at_most(
        f"a letter of {ARTICLES} articles composed", _milliseconds(lambda: compose(model, design), rounds), "ms", 5
    )
    shared = _milliseconds(lambda: compose(model, design, made=made), rounds)
    yield Row("another letter of the same articles", round(shared, 2), "ms")
    yield at_most("its HTML", len(composed.html.encode()) / 1000, "kB", 40)
    checked = _milliseconds(lambda: check_letter(composed.html, text=composed.text), max(3, rounds // 10))
    yield Row("the letter checked", round(checked, 2), "ms")


def _milliseconds(what: Callable[[], object], rounds: int) -> float:
    what()
    start = time.process_time()
    for _ in range(rounds):
        what()
    return (time.process_time() - start) * 1000 / rounds


def _model() -> LetterModel:
    articles = tuple(
        LetterArticle(
            headline=f"River ferry returns after {number} years, with a bell and no timetable",
            excerpt=SENTENCE * 6,
            address=f"{SITE}/article/ferry-{number}/",
            credit="Valley Monitor",
            also_reported=("City Desk", "East Bank Radio"),
            source_address=f"https://monitor.example/{number}",
            topics=("Transport",),
        )
        for number in range(ARTICLES)
    )
    links = {name: f"{SITE}/{name}/{READER_SLOT}/" for name in ("preferences", "unsubscribe", "pause")}
    return LetterModel("The Valley Paper", SITE, "4 Mill Lane", "en", date(2026, 11, 22), articles, **links)
