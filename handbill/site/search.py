"""The readers' search: a tantivy index in the newsroom's folder, made from the articles and made anew at any time.

One writer (the build), any number of readers. Whatever a reader types is words, never a query language, so there is
nothing to get wrong. Ranking is by fit, with a little help for what is new.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import tantivy

from handbill.articles.models import Article
from handbill.kit.errors import TryLater
from handbill.kit.text import plain

MOST_QUERY = 200  # characters
_MOST_WORDS = 12
MOST_HITS = 200
_MOST_BODY = 200_000
_HEAP = 15_000_000  # the least that tantivy takes for one thread
_ANALYZER = "paper"
_MARK = "handbill-1"  # a file beside the index; raise the number when the fields change
_BOOSTS = {"headline": 4.0, "topics": 2.0, "excerpt": 1.5, "body": 1.0}
_FRESH_DAYS = 30.0


class SearchMissing(TryLater):
    """There is no index on this machine yet."""


@dataclass(frozen=True, slots=True)
class Found:
    """``ids`` of articles, best first, of one page of results; ``total`` of all of them, at most 200."""

    ids: tuple[int, ...]
    total: int


def exists(folder: Path) -> bool:
    """Whether an index that this version can read stands in ``folder``."""
    return (folder / _MARK).is_file() and (folder / "meta.json").is_file()


def prepare(folder: Path) -> None:
    """Make an empty index where there is none that fits."""
    if exists(folder):
        return
    discard(folder)
    folder.mkdir(parents=True)
    _writer_of(folder).commit()
    (folder / _MARK).touch()


def discard(folder: Path) -> None:
    """Throw the index away; the next build makes it anew."""
    shutil.rmtree(folder, ignore_errors=True)
    _open.cache_clear()


def update(folder: Path, pages: Sequence[tuple[str, Article | None]]) -> None:
    """Have the index follow article pages: (path, what it shows now). None takes it out. Others are passed over.

    One commit: after a crash the same call is made again. Articles carry ``shown_topics``.
    """
    pages = [(path, article) for path, article in pages if path.startswith("/article/")]
    if not pages:
        return
    prepare(folder)
    writer = _writer_of(folder)
    for path, article in pages:
        writer.delete_documents_by_term("path", path)
        if article is not None:
            writer.add_document(_document(path, article))
    writer.commit()
    writer.wait_merging_threads()


def search(folder: Path, words: str, now: datetime, page: int = 1, size: int = 20) -> Found:
    """Articles with all of ``words`` or, if there are none, with any of them. Raises SearchMissing."""
    if not exists(folder):
        raise SearchMissing("The search is being prepared. Try again in some minutes; the topics above are complete.")
    index = _open(str(folder), (folder / _MARK).stat().st_mtime_ns)
    index.reload()
    terms = _terms(words)
    if not terms:
        return Found((), 0)
    searcher = index.searcher()
    hits = _hits(searcher, _all_of(terms)) or _hits(searcher, _any_of(terms))
    ranked = _ranked(searcher, hits, now)
    first = (max(page, 1) - 1) * size
    return Found(tuple(ranked[first : first + size]), len(ranked))


def _hits(searcher: tantivy.Searcher, query: tantivy.Query) -> list[tuple[float, tantivy.DocAddress]]:
    return list(searcher.search(query, limit=MOST_HITS, count=False).hits)


def _ranked(searcher: tantivy.Searcher, hits: Sequence[tuple[float, tantivy.DocAddress]], now: datetime) -> list[int]:
    """A fresh article counts up to half as much again as an old one that fits as well."""
    if not hits:
        return []
    addresses = [address for _, address in hits]
    ids = searcher.fast_field_values("article", addresses)
    times = searcher.fast_field_values("published", addresses)
    scored = [
        (score * (1 + 0.5 / (1 + max(now.timestamp() - (when or 0), 0) / 86400 / _FRESH_DAYS)), when or 0, pk or 0)
        for (score, _), pk, when in zip(hits, ids, times, strict=True)
    ]
    return [int(pk) for _, _, pk in sorted(scored, reverse=True)]


def _terms(words: str) -> list[str]:
    clean = words[:MOST_QUERY].encode("utf-8", "ignore").decode()
    return list(dict.fromkeys(_analyzer().analyze(clean)))[:_MOST_WORDS]


def _all_of(terms: Iterable[str]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, _one(term)) for term in terms])


def _any_of(terms: Iterable[str]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, _one(term)) for term in terms])


def _one(term: str) -> tantivy.Query:
    return tantivy.Query.boolean_query(
        [
            (tantivy.Occur.Should, tantivy.Query.boost_query(tantivy.Query.term_query(_schema(), name, term), boost))
            for name, boost in _BOOSTS.items()
        ]
    )


def _document(path: str, article: Article) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("path", path)
    document.add_unsigned("article", article.pk)
    assert article.published_at, "a live article has its date"
    document.add_integer("published", int(article.published_at.timestamp()))
    topics = " ".join(topic.name for topic in article.shown_topics)
    series = article.series.name if article.series else ""
    texts = {
        "headline": article.headline,
        "topics": f"{topics} {series} {article.credit}",
        "excerpt": article.excerpt,
        "body": plain(article.body[:_MOST_BODY]),
    }
    for name, text in texts.items():
        document.add_text(name, text.encode("utf-8", "ignore").decode())
    return document


@lru_cache(maxsize=1)
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("path", tokenizer_name="raw")
    builder.add_unsigned_field("article", stored=True, fast=True)
    builder.add_integer_field("published", fast=True)
    for name in _BOOSTS:
        builder.add_text_field(name, tokenizer_name=_ANALYZER)
    return builder.build()


@lru_cache(maxsize=1)
def _analyzer() -> tantivy.TextAnalyzer:
    """Words in small letters, without accents: who types "Zurich" finds "Zürich"."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (tantivy.Filter.remove_long(60), tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold()):
        builder = builder.filter(step)
    return builder.build()


def _index(folder: Path) -> tantivy.Index:
    index = tantivy.Index(_schema(), path=str(folder))
    index.register_tokenizer(_ANALYZER, _analyzer())
    return index


@lru_cache(maxsize=4)
def _open(folder: str, birth: int) -> tantivy.Index:
    return _index(Path(folder))


def _writer_of(folder: Path) -> tantivy.IndexWriter:
    return _index(folder).writer(heap_size=_HEAP, num_threads=1)
