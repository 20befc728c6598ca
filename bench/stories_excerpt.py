"""Excerpts: whether they end at a true sentence end, and how fast they are made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.rows import Row
from handbill.kit.text import word_count
from handbill.stories.excerpt import excerpt

GOLDEN = Path(__file__).parent.parent / "tests" / "pure" / "golden"
SETS = {
    "the first labelled": "excerpt-ends.txt",
    "labelled in 16 languages": "sentence-ends.txt",
    "labelled last": "sentence-ends-held.txt",
}


def ends(articles: list[dict[str, str]]) -> Iterator[Row]:
    """Texts whose sentence ends are marked with |, cut at every length; then the speed on whole articles."""
    for name, file in SETS.items():
        rows = [line.split("\t")[1] for line in (GOLDEN / file).read_text("utf-8").splitlines() if "\t" in line]
        right, total = map(sum, zip(*map(_cut_everywhere, rows), strict=True))
        holds = right / total >= 0.99
        yield Row(f"excerpts' ends, {len(rows)} texts {name}, true", round(right / total, 4), "", "≥ 0.99", holds)
    began = time.process_time()
    told = [excerpt(article["text"]) for article in articles]
    rate = len(told) / (time.process_time() - began)
    yield Row("excerpts", round(rate), "/CPU s", "≥ 5000 /CPU s", rate >= 5_000)


def _cut_everywhere(marked: str) -> tuple[int, int]:
    """How many of the excerpts of all lengths end where a sentence does, and how many there are."""
    text, pieces = marked.replace("|", ""), marked.split("|")
    true = {_bare("".join(pieces[: n + 1])) for n in range(len(pieces))}
    found = [_bare(excerpt(text, target=target)) for target in range(1, word_count(text) + 1)]
    return sum(told in true for told in found), len(found)


def _bare(text: str) -> str:
    return "".join(text.split())
