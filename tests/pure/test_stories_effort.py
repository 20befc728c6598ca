"""Grouping twice as many reports takes about twice the work, whatever they say. Work is counted, never timed."""

import random
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from handbill.stories import evidence
from handbill.stories import group as grouping
from handbill.stories.evidence import Evidence
from handbill.stories.group import Told, group

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
FEW = 150
MOST = 2.6  # times the work for twice the reports: words told apart by chance are a little more than twice as many


class Counted(Evidence):
    """Counts the words of reports looked at for candidates, and those of groups weighed and joined."""

    work = 0

    def neighbours(self, report, first, last):
        Counted.work += int(self._spread[self._leads(report)].sum())
        return super().neighbours(report, first, last)

    def weigh_alone(self, pairs):
        Counted.work += sum(len(self._of(report)) for pair in pairs for report in pair)
        return super().weigh_alone(pairs)

    def weigh(self, one, others):
        Counted.work += sum(len(other.terms) for other in others)
        return super().weigh(one, others)

    def both(self, one, other):
        Counted.work += len(one.terms) + len(other.terms)
        return super().both(one, other)


def work(reports):
    """Calls of functions, and words that numpy goes through."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    Counted.work = 0
    sys.setprofile(count)
    try:
        group(reports)
    finally:
        sys.setprofile(None)
    return calls, Counted.work


def told(number, title, text):
    return Told(number, f"Outlet {number % 40}", "en", title, text, NOON + timedelta(minutes=number % 4_000))


def phrase(dice, count):
    return " ".join(f"{dice.choice('bdfgklmnprst')}{word}x" for word in dice.choices(range(400), k=count))


def ordinary(count):
    """Events of four reports, which share a third of their words."""
    dice = random.Random(3)
    own = [[f"Q{event}x{n}" for n in range(12)] for event in range(count)]
    return [
        told(n, " ".join(dice.sample(own[n // 4], 4)), " ".join(dice.sample(own[n // 4], 8)) + " " + phrase(dice, 30))
        for n in range(count)
    ]


def one_title(count):
    """One title above texts of their own."""
    dice = random.Random(4)
    return [told(n, "Alm floods Kirnstadt and its cellars again", phrase(dice, 30)) for n in range(count)]


def one_text(count):
    """One report of many outlets."""
    return [told(n, "Alm floods Kirnstadt again", "Two hundred cellars stand under water.") for n in range(count)]


def rubrics(count):
    """Titles of one word."""
    return [told(n, "Weather", "") for n in range(count)]


@pytest.mark.parametrize("kind", [ordinary, one_title, one_text, rubrics])
def test_twice_the_reports_are_about_twice_the_work(kind, monkeypatch):
    monkeypatch.setattr(grouping, "Evidence", Counted)
    monkeypatch.setattr(evidence, "LEADS", 30)  # the bound that thousands of reports would reach
    work(kind(FEW // 2))  # what is remembered of words and titles is no work of either
    few, many = work(kind(FEW)), work(kind(2 * FEW))
    for once, twice in zip(few, many, strict=True):
        assert twice <= MOST * max(once, 1)


def room(text):
    """Bytes of memory at most taken by grouping four reports of a text."""
    reports = [told(n, "Bread", text + str(n)) for n in range(4)]
    tracemalloc.start()
    try:
        group(reports)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("word", ["bread ", "bread", "b ", "breád’s "])
def test_of_a_huge_text_the_beginning_is_read(word):
    assert room(word * (5_000_000 // len(word))) < 1.5 * room(word * (50_000 // len(word)))
