"""What the desk and the articles ask of stories. The number of queries doesn't grow with the stories shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Length

from handbill.kit.text import clean, slugify
from handbill.sources.queries import reports_a_week
from handbill.stories import suggest
from handbill.stories.lead import Voice, summarise
from handbill.stories.learning import learned
from handbill.stories.models import Example, Grouping, Member, Ruled, Ruling, Story
from handbill.stories.parts import MOST_NAME, NUMBERED, parts_of, sure
from handbill.stories.rank import Standing, Teller, rank, usual_rhythm
from handbill.stories.reasons import stored
from handbill.stories.records import Learning, SuggestedTopic, TriagedMember, TriagedStory
from handbill.stories.series import Run
from handbill.topics.models import Topic
from handbill.wire.models import Report

RANKED = 1_000  # the newest stories that compete for a place on the list
MOST_EXAMPLES = suggest.MOST  # articles that suggesting topics learns from, the newest
WORTH_SHOWING = suggest.WORTH_SHOWING  # the least confidence that an editor should see
_NEWS = Exists(Member.objects.filter(story=OuterRef("pk"), report__backlog=False))
_TAKEN = Exists(Story.objects.filter(pk=OuterRef("member__story"), articles__isnull=False))


def triage(
    limit: int = 50,
    include_taken: bool = False,
    backlog: bool | None = None,
    *,
    skip: int = 0,
    since: datetime | None = None,
) -> list[TriagedStory]:
    """The stories to choose from, best first, in the order of their ``Standing``.

    Dismissed stories are left out, and those that became an article unless ``include_taken``. ``backlog``: only
    stories that are nothing else, or only those that are more. ``skip``: so many from the top are passed over.
    ``since`` is when the last issue closed, if there was one: what came later is new.
    """
    stories = Story.objects.filter(dismissed_at__isnull=True, outlets__gt=0)
    if not include_taken:
        stories = stories.filter(articles__isnull=True)
    if backlog is not None:
        stories = stories.filter(~_NEWS if backlog else _NEWS)
    newest = stories.order_by("-latest_at", "-pk").values_list("pk", flat=True)[:RANKED]
    standings = _standings(list(newest), since)
    best = sorted(standings, key=lambda pk: (standings[pk].place, pk), reverse=True)[skip : skip + limit]
    return _triaged(best, standings)


def story_view(story_id: int, *, since: datetime | None = None) -> TriagedStory:
    """One story with its reports, dismissed or not. Raises Story.DoesNotExist, also when no report of it is left."""
    found = _triaged([story_id], _standings([story_id], since))
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


def strictness() -> int:
    """How much the newsroom asks for reports to be one story; writes nothing."""
    row = Grouping.objects.first()
    return row.strictness if row else Grouping.Strictness.EVEN


def recent(limit: int = 200, search: str = "") -> list[Story]:
    """Stories with reports, the newest first; those whose title holds ``search``. Taken and dismissed ones too."""
    rows = Story.objects.filter(outlets__gt=0)
    return list((rows.filter(title__icontains=search) if search else rows).order_by("-latest_at", "-pk")[:limit])


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


def learned_topics(told: suggest.Told, most: int = suggest.OFFERED) -> list[SuggestedTopic]:
    """Topics by the newsroom's own earlier choices, the likeliest first; none while too little is learned.

    A retired or deleted topic is left out, a renamed one has its new name.
    """
    return learned_topics_of([told], most)[0]


def learned_topics_of(many: Sequence[suggest.Told], most: int = suggest.OFFERED) -> list[list[SuggestedTopic]]:
    """``learned_topics`` of each. Three queries, however many."""
    known = learned() if many else None
    if known is None:
        return [[] for _ in many]
    found = [suggest.suggest(known, told, 2 * most) for told in many]
    topics = Topic.objects.filter(retired=False).in_bulk({each.topic for one in found for each in one})
    named = [
        [SuggestedTopic(topics[e.topic], e.confidence, e.words) for e in one if e.topic in topics] for one in found
    ]
    return [one[:most] for one in named]


def kept_choices() -> dict[int, int]:
    """The edition of each article that is an example."""
    return dict(Example.objects.values_list("article", "edition"))


def learning() -> Learning:
    """How far suggesting topics is."""
    return Learning(Example.objects.count(), suggest.LEAST)


def places(story_ids: Collection[int]) -> dict[int, float]:
    """How high each story stands in the ranking, in hours; one without reports is missing. Two queries."""
    found = _standings(list(story_ids), None) if story_ids else {}
    return {story: standing.place for story, standing in found.items()}


def _standings(story_ids: Sequence[int], since: datetime | None) -> dict[int, Standing]:
    """What speaks for each of the stories that have reports."""
    came = Q(report__filed_at__gt=since, report__backlog=False) if since is not None else Value(False)
    rows = Member.objects.filter(story__in=story_ids).order_by("report__published_at", "pk")
    rows = rows.annotate(new=ExpressionWrapper(came, BooleanField()))  # compared there: reading a moment costs more
    tellers: dict[int, list[Teller]] = defaultdict(list)
    fields = ("story", "report__source", "report__published_at", "copy_of", "new")
    for story, outlet, published_at, copy_of, new in rows.values_list(*fields):
        tellers[story].append(Teller(outlet, published_at, copy_of is not None, new))
    rhythms = reports_a_week()
    usual = usual_rhythm(rhythms)
    return {story: rank(told, rhythms, usual) for story, told in tellers.items()}


def _triaged(story_ids: Sequence[int], standings: Mapping[int, Standing]) -> list[TriagedStory]:
    rows = Member.objects.filter(story__in=story_ids).select_related("report__source", "copy_of__source")
    members: dict[int, list[Member]] = defaultdict(list)
    for member in rows.annotate(length=Length("report__text")).order_by("report__published_at", "pk").defer(*_LONG):
        members[member.story_id].append(member)
    lead_of = {story: _lead(members[story]) for story in story_ids if members[story]}
    told = Report.objects.select_related("source", "member__story").annotate(taken=_TAKEN)
    leads = told.in_bulk(list(lead_of.values()))
    moves = _moves([member.report_id for story in lead_of for member in members[story]])
    parts = parts_of({m.story_id: m for story in lead_of for m in members[story] if m.report_id == lead_of[story]})
    return [
        TriagedStory(
            story=leads[lead].member.story,
            lead=leads[lead],
            members=tuple(_member(member, moves) for member in members[story]),
            outlets=leads[lead].member.story.outlets,
            copies=standings[story].copies,
            all_backlog=all(member.report.backlog for member in members[story]),
            taken=leads[lead].taken,
            standing=standings[story],
            part=parts.get(story),
        )
        for story, lead in lead_of.items()
    ]


_LONG = [f"{report}__{field}" for report in ("report", "copy_of") for field in ("text", "body_html")]


def _lead(members: Sequence[Member]) -> int:
    return summarise(
        Voice(
            m.report_id, m.report.source_id, m.report.title, m.report.published_at, m.length, m.copy_of_id is not None
        )
        for m in members
    ).lead


def parts_named(name: str) -> QuerySet[Member]:
    """The reports' places whose titles say that they are parts of the numbered series ``name``."""
    return Member.objects.filter(series=name, number__isnull=False, counting=NUMBERED)


def series_run(name: str) -> Run | None:
    """What the reports that say they belong to the series ``name`` make together, or None while it is not sure."""
    key = (NUMBERED, name[:MOST_NAME], 0)
    run = sure([key]).get(key)
    return run if isinstance(run, Run) else None


def _moves(report_ids: Collection[int]) -> dict[int, Ruling]:
    """By report the act of an editor that put it where it is."""
    rows = Ruled.objects.filter(report__in=report_ids, side=Ruled.Side.MOVED, ruling__undone_at__isnull=True)
    moved = rows.exclude(came_from=F("report__member__story")).order_by("ruling").select_related("ruling__by")
    return {row.report_id: row.ruling for row in moved}


def _member(member: Member, moves: Mapping[int, Ruling]) -> TriagedMember:
    report, original = member.report, member.copy_of
    ruling = moves.get(report.pk)
    return TriagedMember(
        report_id=report.pk,
        outlet=report.source.name,
        outlet_id=report.source_id,
        title=report.title,
        address=report.address,
        published_at=report.published_at,
        copy_of=member.copy_of_id,
        why=stored(member.why),
        original_outlet=original.source.name if original else "",
        original_at=original.published_at if original else None,
        moved_by=(ruling.by.get_short_name() or ruling.by.get_username()) if ruling and ruling.by else "",
        moved_at=ruling.at if ruling else None,
    )
