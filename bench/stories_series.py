"""Series: which headlines number themselves, on ours that are labelled and on real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.rows import Row
from handbill.stories.dated import dated_of
from handbill.stories.series import series_of

LABELLED = Path(__file__).parent.parent / "tests" / "pure" / "golden" / "series-headlines.txt"


def marks(articles: list[dict[str, str]]) -> Iterator[Row]:
    """Precision and recall on the labelled headlines, and how many of the real ones are marked."""
    rows = [line.split("\t") for line in LABELLED.read_text("utf-8").splitlines() if "\t" in line]
    found = [sign for sign, headline in rows if series_of(headline) or dated_of(headline)]
    wanted = sum(sign == "+" for sign, _ in rows)
    precision, recall = found.count("+") / len(found), found.count("+") / wanted
    yield Row(
        f"series, {len(rows)} labelled headlines, precision", round(precision, 4), "", "≥ 0.99", precision >= 0.99
    )
    yield Row(f"series, {len(rows)} labelled headlines, recall", round(recall, 4), "")
    marked = [article["title"] for article in articles if series_of(article["title"])]
    yield Row(f"series, marked of {len(articles)} headlines", len(marked), "")
