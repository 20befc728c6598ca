"""Gathering: how well and how fast articles are found on real pages, where a collection stands beside the project.

Ours against each of the two libraries alone, on the same pages in the same run. The measure is the one of the
collection (article-extraction-benchmark): runs of four words; precision and recall averaged over the pages; F1 of both.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import trafilatura
from readability import Document

from bench import gather_parse, gather_round
from bench.rows import Row
from handbill.kit.text import plain
from handbill.wire.extract import PageError, extract_page

PAGES = Path(__file__).parent.parent.parent / "shared" / "corpus" / "pages"
LEAST_F1 = 0.96
RUN = 4  # words

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was served, and the text a person marked as its article."""

    address: str
    markup: bytes
    article: str


@dataclass(frozen=True, slots=True)
class Score:
    """Means over the pages, 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def run(quick: bool) -> Iterator[Row]:
    """Every eighth page once when quick, else all three times; nothing where the collection is missing."""
    yield from gather_parse.run(quick)
    yield from gather_round.run(quick)
    if not PAGES.is_dir():
        return
    pages, times = read_pages(PAGES)[:: 8 if quick else 1], 1 if quick else 3
    ours, seconds = _measured(ours_on, pages, times)
    row = Row("article pages, F1", round(ours.f1, 4), "", f"≥ {LEAST_F1:g}", ours.f1 >= LEAST_F1)
    yield row
    yield Row("article pages, precision", round(ours.precision, 4), "")
    yield Row("article pages, recall", round(ours.recall, 4), "")
    yield Row("article pages, a page", round(1000 * seconds / len(pages), 1), "CPU ms")
    for name, peer in (("trafilatura alone", trafilatura_on), ("readability alone", readability_on)):
        theirs, peer_seconds = _measured(peer, pages, times)
        yield Row("article pages, F1", row.value, "", against=name, ratio=ours.f1 / theirs.f1)
        yield Row("article pages, CPU time", round(seconds, 2), "s", against=name, ratio=seconds / peer_seconds)


def read_pages(folder: Path) -> list[Page]:
    """The collection in ``folder``: ``ground-truth.json`` and ``html/NAME.html.gz``."""
    truth = json.loads((folder / "ground-truth.json").read_text())
    return [
        Page(known["url"], gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()), known["articleBody"])
        for name, known in truth.items()
    ]


def score(found: list[tuple[str, str]]) -> Score:
    """Of pairs (the true text, the text found). A page with nothing found counts in recall only, and the reverse."""
    counts = [_counts(_runs(true), _runs(text)) for true, text in found]
    return Score(
        mean([both / ours for both, _, ours in counts if ours] or [0.0]),
        mean([both / true for both, true, _ in counts if true] or [0.0]),
    )


def ours_on(page: Page) -> str:
    """Without the rules for single sites: what an unknown site gets."""
    try:
        return extract_page(page.markup, address=page.address, rules={}).text
    except PageError:
        return ""


def trafilatura_on(page: Page) -> str:
    """As it comes, but for readers' comments."""
    return trafilatura.extract(page.markup, url=page.address, include_comments=False, favor_precision=True) or ""


def readability_on(page: Page) -> str:
    """As it comes; it gives markup."""
    return plain(Document(page.markup).summary())


def _measured(extract: Callable[[Page], str], pages: list[Page], times: int) -> tuple[Score, float]:
    """The score, and the CPU seconds of the fastest time."""
    fastest = float("inf")
    for _ in range(times):
        began = time.process_time()
        texts = [extract(page) for page in pages]
        fastest = min(fastest, time.process_time() - began)
    return score([(page.article, text) for page, text in zip(pages, texts, strict=True)]), fastest


def _counts(true: Counter[str], ours: Counter[str]) -> tuple[int, int, int]:
    return (true & ours).total(), true.total(), ours.total()


def _runs(text: str) -> Counter[str]:
    found = _WORD.findall(text)
    return Counter(" ".join(found[start : start + RUN]) for start in range(max(1, len(found) - RUN + 1)) if found)
