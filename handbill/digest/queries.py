"""What would go to whom, and why not, without sending anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from handbill.digest import actions, letters, plan
from handbill.digest.models import Issue
from handbill.digest.records import Audience, Chosen, DryLetter, DryRun, LetterArticle, ReadingList, Window
from handbill.subscribers import queries as subscribers
from handbill.topics.models import Topic


def last_closed(now: datetime) -> datetime | None:
    """When the last issue closed; None before the first."""
    return Issue.objects.filter(closes__lte=now).order_by("-date").values_list("closes", flat=True).first()


def dry_run(now: datetime) -> DryRun:
    """What ``send_now`` would do at this moment. Writes nothing."""
    day = actions.today(now)
    issue = Issue.objects.filter(date=day).first()
    if issue is not None:
        return DryRun(
            date=day,
            opens=issue.opens,
            closes=issue.closes,
            articles=issue.entries.count(),
            readers=0,
            readers_without=0,
            letters=(),
            why=_why_there(issue),
        )
    return _would_be(day, actions.by_hand(now), now)


def _would_be(day: date, window: Window, now: datetime) -> DryRun:
    chosen, audiences = actions.candidates(window), subscribers.audiences(now)
    known = letters.load_articles(one.id for one in chosen)
    chosen = [one for one in chosen if one.id in known]
    planned = plan.plan_letters(chosen, audiences)
    shown = tuple(_letter(listed, who, audiences, known, chosen, day) for listed, who in planned.items())
    with_letter = sum(letter.readers for letter in shown)
    return DryRun(
        date=day,
        opens=window.opens,
        closes=window.closes,
        articles=len(chosen),
        readers=with_letter,
        readers_without=sum(audiences.values()) - with_letter,
        letters=tuple(sorted(shown, key=lambda letter: (-letter.readers, letter.subject))),
        why="" if shown else _why_nothing(chosen, audiences),
    )


def _letter(
    listed: ReadingList,
    who: set[Audience],
    audiences: Mapping[Audience, int],
    known: Mapping[int, LetterArticle],
    chosen: list[Chosen],
    day: date,
) -> DryLetter:
    more = min(len(plan.matching(chosen, audience)) for audience in who) - len(listed)
    composed = letters.compose_letter(listed, known, day, more=more)
    ids = {pk for audience in who for pk in audience}
    names = dict(Topic.objects.filter(pk__in=ids).values_list("pk", "name"))
    return DryLetter(
        subject=composed.subject,
        articles=len(listed),
        readers=sum(audiences[audience] for audience in who),
        headlines=tuple(known[pk].headline for pk in listed),
        topics=tuple(sorted(", ".join(sorted(names.get(pk, "?") for pk in one)) or "the whole paper" for one in who)),
        html_bytes=len(composed.html.encode()),
    )


def _why_there(issue: Issue) -> str:
    begun = f"The issue of {issue} is there already ({issue.get_state_display()})"
    if issue.state == Issue.State.HANDED_OVER:
        return f"{begun}; nothing is sent twice."
    return f"{begun} and was cut off; it would be finished as it was planned."


def _why_nothing(chosen: list[Chosen], audiences: Mapping[Audience, int]) -> str:
    if not chosen:
        return "No published article waits for an issue. Publish one, then look again."
    if not audiences:
        return "Nobody has confirmed a subscription yet."
    return "No reader follows a topic of the articles that wait."
