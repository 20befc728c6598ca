"""Language: how often a report's is told rightly, from its headline alone, with a text, and with what is declared."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.rows import Row
from handbill.wire.language import language_of

HEADLINES = Path(__file__).parent.parent / "tests" / "pure" / "golden" / "headlines.txt"
LARGE = frozenset("ar de el en es fa fr he hi it ja ko pl pt ru th tr uk vi zh cs hu ro fi".split())  # noqa: SIM905


def languages(articles: list[dict[str, str]]) -> Iterator[Row]:
    """On headlines of ours in many languages, and on real English ones."""
    lines = [line.split("\t") for line in HEADLINES.read_text("utf-8").splitlines() if "\t" in line]
    told = [(code, headline) for code, headlines in lines for headline in headlines.split("|")]
    languages = len({code for code, _ in told})
    alone = [(code, language_of(headline, "")) for code, headline in told]
    declared = [language_of(headline, "", code) == code for code, headline in told]
    texts = [(code, headlines.split("|")) for code, headlines in lines]
    joined = [language_of(first, ". ".join(more)) == code for code, (first, *more) in texts]
    yield _share(f"language, {len(told)} headlines in {languages} languages, declared", declared)
    yield _share(f"language, whole texts in {languages} languages, nothing declared", joined)
    yield Row("language, those headlines, nothing declared", round(_mean([a == b for a, b in alone]), 4), "")
    large = [code == found for code, found in alone if code in LARGE]
    yield Row("language, of them those of languages with no near kin", round(_mean(large), 4), "")
    began = time.process_time()
    english = [language_of(article["title"], "") == "en" for article in articles]
    rate = len(english) / (time.process_time() - began)
    yield _share(f"language, {len(english)} English headlines, nothing declared", english)
    yield Row("language, headlines", round(rate), "/CPU s")


def _mean(right: list[bool]) -> float:
    return sum(right) / len(right)


def _share(name: str, right: list[bool]) -> Row:
    return Row(name, round(_mean(right), 4), "", "≥ 0.99", _mean(right) >= 0.99)
