"""Stories: how well events, copies and series are told apart, and how fast.

On collections that lie beside the project: ECB+ (42 events in confusable pairs) and 3,000 dated articles of 104
outlets, from which copies are made by eight kinds of edit. The settings are the product's own, one for everything.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import (
    stories_excerpt,
    stories_language,
    stories_large,
    stories_series,
    stories_stored,
    stories_topics,
    stories_triage,
)
from bench.rows import Row
from handbill.stories.copies import Memory, Text, marks, recognise
from handbill.stories.gist import Gist
from handbill.stories.group import Told, group, text_of
from handbill.stories.pieces import pieces
from handbill.stories.terms import said

FOLDER = Path(__file__).parent.parent.parent / "shared" / "corpus" / "stories"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW, ROUND, LARGE_ROUND = 10_000, 500, 2_000  # reports of known stories, new reports

Document = tuple[str, str]  # title, text


def run(quick: bool) -> Iterator[Row]:
    """Nothing where the collections are missing."""
    if not FOLDER.is_dir():
        return
    events = [json.loads(line) for line in (FOLDER / "ecb.jsonl").read_text("utf-8").splitlines()]
    articles = [json.loads(line) for line in (FOLDER / "articles.jsonl").read_text("utf-8").splitlines()]
    yield from _stories(events, quick)
    yield from stories_large.large(600 if quick else 6_000)
    if not quick:
        yield from _largest(articles)
    yield from _speed(articles, quick)
    yield from _copies(articles[:: 8 if quick else 1])
    yield from _footers(articles[:: 8 if quick else 1])
    yield from stories_series.marks(articles)
    yield from stories_language.languages(articles)
    yield from stories_excerpt.ends(articles)
    yield from stories_stored.stored(FOLDER / "articles.jsonl", quick)
    yield from stories_topics.topics(articles, quick)
    if not quick:
        yield from stories_triage.page(FOLDER / "articles.jsonl")


def _least(name: str, value: float, unit: str, limit: float) -> Row:
    return Row(name, round(value, 4 if limit <= 1 else 0), unit, f"≥ {limit:g} {unit}".strip(), value >= limit)


def b_cubed(guess: Sequence[Hashable], truth: Sequence[Hashable]) -> tuple[float, float, float]:
    """Precision, recall and F1 of one grouping against another (Bagga and Baldwin, 1998)."""
    both, guessed, true = Counter(zip(guess, truth, strict=True)), Counter(guess), Counter(truth)
    precision = sum(n * n / guessed[g] for (g, _), n in both.items()) / len(truth)
    recall = sum(n * n / true[t] for (_, t), n in both.items()) / len(truth)
    return precision, recall, 2 * precision * recall / (precision + recall)


def grouped(documents: Sequence[Document], times: Sequence[datetime] | None = None) -> list[int | None]:
    """For each English document the id of its story's first report."""
    at = times or [NOON] * len(documents)
    told = [Told(n, f"Outlet {n}", "en", title, text, at[n]) for n, (title, text) in enumerate(documents)]
    return [place.opens for place in group(told)]


def _stories(events: list[dict[str, str]], quick: bool) -> Iterator[Row]:
    truth = [event["story"] for event in events]
    for name, cut in CUTS.items():
        precision, recall, f1 = b_cubed(grouped([cut(event) for event in events]), truth)
        whole = name == "whole"
        target = ("≥ 0.92", f1 >= 0.92) if whole else ("", None)
        yield Row(f"stories, ECB+ {name}, F1", round(f1, 3), "", *target)
        yield Row(
            f"stories, ECB+ {name}, precision",
            round(precision, 3),
            "",
            "≥ 0.9" if whole else "",
            precision >= 0.9 if whole else None,
        )
        yield Row(f"stories, ECB+ {name}, recall", round(recall, 3), "")
    yield from _large(events)
    yield from _halves(events, 2 if quick else 20)


def _large(events: list[dict[str, str]]) -> Iterator[Row]:
    """Large stories in short texts: each two sentences among a report's first eight, in small letters, are one."""
    chosen = []
    for event in events:
        lines = [" ".join(pieces(line)) for line in event["text"].split("\n") if len(line.split()) > 5][:8]
        chosen += [(one, other, event["story"]) for one, other in zip(lines[::2], lines[1::2], strict=False)]
    guess = grouped([(one, other) for one, other, _ in chosen])
    found = b_cubed(guess, [story for *_, story in chosen])
    for kind, value in zip(("precision", "recall", "F1"), found, strict=True):
        yield Row(f"stories, ECB+ in {len(chosen):,} pairs of sentences, {kind}", round(value, 3), "")


def _first(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


CUTS: dict[str, Callable[[dict[str, str]], Document]] = {
    "whole": lambda event: (event["title"], event["text"]),
    "two sentences": lambda event: (event["title"], "\n".join(event["text"].split("\n")[:2])),
    "nine words and a snippet": lambda event: (_first(event["title"], 9), _first(event["text"], 30)),
    "the same in small letters": lambda event: (_first(event["title"], 9).lower(), _first(event["text"], 30).lower()),
    "first sentence": lambda event: (event["title"], ""),
}


def _halves(events: list[dict[str, str]], times: int) -> Iterator[Row]:
    """Random halves of the stories, whole, as a window of their own: the setting must hold on each."""
    dice, found = random.Random(4), []
    names = sorted({event["story"] for event in events})
    for _ in range(times):
        half = set(dice.sample(names, len(names) // 2))
        chosen = [event for event in events if event["story"] in half]
        guess = grouped([(event["title"], event["text"]) for event in chosen])
        found.append(b_cubed(guess, [event["story"] for event in chosen])[2])
    yield Row(f"stories, {times} random halves of ECB+, least F1", round(min(found), 3), "")
    yield Row(f"stories, {times} random halves of ECB+, mean F1", round(sum(found) / times, 3), "")


def _largest(articles: list[dict[str, str]]) -> Iterator[Row]:
    """Titles of real articles at their dates: no story may be a heap."""
    times = [datetime.fromisoformat(article["date"][:10]).replace(tzinfo=UTC) for article in articles]
    for name, text in [("titles", False), ("whole", True)]:
        guess = grouped([(article["title"], article["text"] if text else "") for article in articles], times)
        yield Row(f"stories, 3,000 dated articles, {name}, largest", Counter(guess).most_common(1)[0][1], "reports")


def _speed(articles: list[dict[str, str]], quick: bool) -> Iterator[Row]:
    """Rounds of new reports beside a window of known ones, of real words; what is known has been read before."""
    window, large = (WINDOW // 5, LARGE_ROUND // 2) if quick else (WINDOW, LARGE_ROUND)
    dice = random.Random(5)
    table = Memory()
    known = [_read(_shuffled(articles, n, dice, story=n)) for n in range(window)]
    recognise(map(text_of, known), table)
    new = [_shuffled(articles, window + n, dice) for n in range(large + 2 * ROUND)]
    for batch in (new[:ROUND], new[ROUND : 2 * ROUND], new[2 * ROUND :]):
        began = time.process_time()
        fresh = [_read(told) for told in batch]
        found = recognise(map(text_of, fresh), table)
        same = {report: [match.text for match in matches] for report, matches in found.items()}
        group(fresh, known, same=same)
        rate = len(batch) / (time.process_time() - began)
        if batch[0] is not new[0]:  # the first round warms up
            yield _least(f"grouping {len(batch):,} reports beside {window:,} known", rate, "/CPU s", 1_000)
    dated = articles[:: 2 if quick else 1]
    times = [datetime.fromisoformat(article["date"][:10]).replace(tzinfo=UTC) for article in dated]
    whole = [(article["title"], f"{article['text']} ") for article in dated]
    began = time.process_time()
    grouped(whole, times)
    yield _least(
        f"grouping {len(whole):,} dated articles at once, reading included",
        len(whole) / (time.process_time() - began),
        "/CPU s",
        1_000,
    )


def _read(told: Told) -> Told:
    gist = Gist(said(told.title, told.text, told.language), marks(told.text))
    return replace(told, gist=gist)


def _shuffled(articles: list[dict[str, str]], number: int, dice: random.Random, story: int | None = None) -> Told:
    """A report about an article's event in another order of words, so that it is no copy."""
    one, other = dice.choice(articles), dice.choice(articles)
    words = [*one["text"].split(), *other["text"].split()[:100]]
    runs = [words[start : start + 3] for start in range(0, len(words), 3)]
    dice.shuffle(runs)
    text = " ".join(" ".join(run) for run in runs)
    at = NOON + timedelta(minutes=dice.randrange(4 * 24 * 60))
    return Told(number, one["outlet"], "en", one["title"], text, at, story)


HEAD = "By our own correspondent. Last updated an hour ago. Listen to this report.\n\n"
FOOT = "\n\nAll rights reserved. Follow us for more of the day and write to us if you know more about this."


def _edits(dice: random.Random, stock: Sequence[str]) -> dict[str, Callable[[str], str]]:
    def edited(text: str, share: float) -> str:
        """So many words replaced, left out or added."""
        kept: list[str] = []
        for word in text.split():
            chance = dice.random()
            kept += [dice.choice(stock)] if chance < share * 0.6 else [] if chance < share * 0.8 else [word]
            kept += [dice.choice(stock)] if share * 0.8 <= chance < share else []
        return " ".join(kept)

    def cut(text: str, share: float) -> str:
        return _first(text, max(5, int(len(text.split()) * share)))

    def noise() -> str:
        return " ".join(dice.choices(stock, k=300))

    return {
        "cut to 60 %": lambda text: cut(text, 0.6),
        "cut to 40 %": lambda text: cut(text, 0.4),
        "header and footer": lambda text: HEAD + text + FOOT,
        "light edits (3 % of words)": lambda text: edited(text, 0.03),
        "heavy edits (10 % of words)": lambda text: edited(text, 0.1),
        "wrapped in a longer text": lambda text: f"{noise()}\n{text}\n{noise()}",
        "typography": lambda text: text.replace("'", "’").replace('"', "“").replace("-", "–").replace("fi", "ﬁ"),
        "cut, header and edits (5 %)": lambda text: HEAD + edited(cut(text, 0.6), 0.05) + FOOT,
    }


def _pairs(texts: Sequence[Text]) -> set[tuple[int, int]]:
    found = recognise(texts, Memory())
    return {(min(n, match.text), max(n, match.text)) for n, matches in found.items() for match in matches}


def _copies(articles: list[dict[str, str]]) -> Iterator[Row]:
    """Each article and one edited copy of it in another outlet; pairs of the articles themselves don't count."""
    dice = random.Random(6)
    stock = " ".join(article["text"] for article in articles[:50]).split()
    base = [Text(n, article["outlet"], marks(article["text"])) for n, article in enumerate(articles)]
    natural, size, right, wrong, spent = _pairs(base), len(base), 0, 0, 0.0
    for kind, edit in _edits(dice, stock).items():
        made = [(articles[(n + 7) % size]["outlet"], edit(article["text"])) for n, article in enumerate(articles)]
        began = time.process_time()
        found = _pairs(base + [Text(size + n, outlet, marks(text)) for n, (outlet, text) in enumerate(made)])
        spent += time.process_time() - began
        good = sum((n, size + n) in found for n in range(size))
        bad = sum(
            a % size != b % size and (min(a % size, b % size), max(a % size, b % size)) not in natural for a, b in found
        )
        right, wrong = right + good, wrong + bad
        yield Row(f"copies, {kind}, recall", round(good / size, 4), "")
        yield Row(f"copies, {kind}, precision", round(good / max(1, good + bad), 4), "")
    yield _least("copies, all eight, recall", right / (8 * size), "", 0.999)
    yield _least("copies, all eight, precision", right / (right + wrong), "", 0.999)
    yield _least("copies, marked, kept and looked up", 8 * 1.5 * size / spent, "/CPU s", 1_400)
    yield Row(
        "copies, kept a text, in marks of 8 bytes", round(sum(len(text.marks.hashes) for text in base) / size), ""
    )


def _footers(articles: list[dict[str, str]]) -> Iterator[Row]:
    """45 words of each article under its outlet's footer of 65; of every third one a light copy in another outlet.

    Briefs that share a run of words without their footers don't count.
    """
    dice = random.Random(7)
    stock = " ".join(article["text"] for article in articles[:50]).split()
    feet = {outlet: " ".join(dice.choices(stock, k=65)) for outlet in sorted({a["outlet"] for a in articles})}
    edit = _edits(dice, stock)["light edits (3 % of words)"]
    texts, size = [], len(articles)
    for n, article in enumerate(articles):
        brief, outlet = _first(article["text"], 45), article["outlet"]
        texts.append(Text(n, outlet, marks(f"{brief} {feet[outlet]}")))
        if n % 3 == 0:
            other = dice.choice([name for name in feet if name != outlet])
            texts.append(Text(size + n, other, marks(f"{edit(brief)} {feet[other]}")))
    briefs = [frozenset(marks(_first(article["text"], 45)).hashes.tolist()) for article in articles]
    found = _pairs(texts)
    wanted = {(n, size + n) for n in range(0, size, 3)}
    wrong = {(a, b) for a, b in found - wanted if briefs[a % size].isdisjoint(briefs[b % size])}
    right = len(found & wanted)
    yield _least("copies of short texts under a footer, recall", right / len(wanted), "", 0.99)
    yield _least("copies of short texts under a footer, precision", right / max(1, right + len(wrong)), "", 0.99)
