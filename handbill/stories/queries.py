"""What the desk and the articles ask of stories. The number of queries doesn't grow with the stories shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import log2
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length

from handbill.kit.text import clean, slugify
from handbill.stories.lead import Voice, summarise
from handbill.stories.models import Member, Ruled, Ruling, Story
from handbill.stories.records import TriagedMember, TriagedStory
from handbill.stories.series import Run, follow
from handbill.topics.models import Topic
from handbill.wire.models import Report

RANKED = 1_000  # the newest stories that compete for a place on the list
MOST_FOLLOWED = 1_000  # parts of a series, those with the highest numbers
DOUBLING_HOURS = 24.0  # twice the outlets outweigh so many hours of age
COPY = 0.25  # what a copy weighs beside an outlet with words of its own


# Counted for the stories that are read, not, as a join would, for all that ever were.
_COPIES = (
    Member.objects.filter(story=OuterRef("pk"), copy_of__isnull=False)
    .order_by()
    .values("story")
    .annotate(count=Count("pk"))
    .values("count")
)
_NEWS = Exists(Member.objects.filter(story=OuterRef("pk"), report__backlog=False))


def triage(
    limit: int = 50, include_taken: bool = False, backlog: bool | None = None, *, skip: int = 0
) -> list[TriagedStory]:
    """The stories to choose from, best first: by how many outlets tell them and how new they are.

    Each doubling of the outlets is worth DOUBLING_HOURS. Dismissed stories are left out, and those that became an
    article unless ``include_taken``. ``backlog``: only stories that are nothing else, or only those that are more.
    ``skip``: so many from the top are passed over.
    """
    stories = _marked(Story.objects.filter(dismissed_at__isnull=True, outlets__gt=0))
    if not include_taken:
        stories = stories.filter(taken=False)  # type: ignore[misc]
    if backlog is not None:
        stories = stories.filter(~_NEWS if backlog else _NEWS)
    newest = list(stories.order_by("-latest_at", "-pk")[:RANKED])
    return _triaged(sorted(newest, key=_rank, reverse=True)[skip : skip + limit])


def story_view(story_id: int) -> TriagedStory:
    """One story with its reports, dismissed or not. Raises Story.DoesNotExist, also when no report of it is left."""
    found = _triaged([_marked(Story.objects.all()).get(pk=story_id)])
    if not found:
        raise Story.DoesNotExist
    return found[0]


def suggested_topics(story_id: int) -> list[Topic]:
    """Topics that the outlets' own categories name, the most named first."""
    reports = Report.objects.filter(member__story=story_id).values_list("categories", flat=True)
    named = Counter(
        name for categories in reports for name in {slugify(clean(str(category))) for category in categories or []}
    )
    topics = Topic.objects.filter(retired=False)
    votes = {topic: max(named[topic.slug], named[slugify(topic.name)]) for topic in topics}
    return sorted((topic for topic in votes if votes[topic]), key=lambda topic: -votes[topic])


def rulings() -> Iterator[dict[str, Any]]:
    """Each ruling as plain values, the oldest first: ``at`` and ``undone`` (RFC 3339 or None), and its reports.

    They stand in ``moved``, ``with`` and ``without``, with ``id``, ``title``, ``url``, ``outlet``, ``language`` and
    ``published``. Who ruled is left out.
    """
    for ruling in Ruling.objects.order_by("pk").iterator(chunk_size=500):
        sides: dict[str, list[dict[str, Any]]] = {"moved": [], "with": [], "without": []}
        for row in ruling.reports.select_related("report__source").defer("report__text", "report__body_html"):
            sides[Ruled.Side(row.side).name.lower()].append(_plain(row.report))
        yield {"at": ruling.at.isoformat(), "undone": ruling.undone_at and ruling.undone_at.isoformat(), **sides}


def _plain(report: Report) -> dict[str, Any]:
    return {
        "id": report.pk,
        "title": report.title,
        "url": report.address,
        "outlet": report.source.name,
        "language": report.language,
        "published": report.published_at.isoformat(),
    }


def series_run(name: str) -> Run | None:
    """What the reports that say they belong to the series ``name`` make together, or None while it is not sure."""
    parts = Member.objects.filter(series=name[:200], number__isnull=False).order_by("-number")[:MOST_FOLLOWED]
    told = parts.values_list("report__published_at", "number")
    return follow((at, number) for at, number in told if number is not None)


def _marked(stories: QuerySet[Story]) -> QuerySet[Story]:
    taken = Story.objects.filter(pk=OuterRef("pk"), articles__isnull=False)
    return stories.annotate(copies=Coalesce(Subquery(_COPIES), 0), taken=Exists(taken))


def _rank(story: Story) -> tuple[float, int]:
    voices = story.outlets + COPY * story.copies
    return story.latest_at.timestamp() / 3600 + DOUBLING_HOURS * log2(1 + voices), story.pk


def _triaged(stories: Sequence[Story]) -> list[TriagedStory]:
    rows = (
        Member.objects.filter(story__in=stories).select_related("report__source").order_by("report__published_at", "pk")
    )
    members: dict[int, list[Member]] = defaultdict(list)
    for member in rows.annotate(length=Length("report__text")).defer("report__text", "report__body_html"):
        members[member.story_id].append(member)
    lead_of = {story.pk: _lead(members[story.pk]) for story in stories if members[story.pk]}
    leads = Report.objects.select_related("source").in_bulk(list(lead_of.values()))
    return [
        _one(story, leads[lead_of[story.pk]], members[story.pk]) for story in stories if lead_of.get(story.pk) in leads
    ]


def _lead(members: Sequence[Member]) -> int:
    return summarise(
        Voice(
            m.report_id, m.report.source_id, m.report.title, m.report.published_at, m.length, m.copy_of_id is not None
        )
        for m in members
    ).lead


def _one(story: Story, lead: Report, members: Sequence[Member]) -> TriagedStory:
    return TriagedStory(
        story=story,
        lead=lead,
        members=tuple(_member(member) for member in members),
        outlets=story.outlets,
        copies=story.copies,
        all_backlog=all(member.report.backlog for member in members),
        taken=story.taken,
    )


def _member(member: Member) -> TriagedMember:
    report = member.report
    return TriagedMember(
        report.pk,
        report.source.name,
        report.title,
        report.address,
        report.published_at,
        member.copy_of_id,
        tuple(member.why),
    )
