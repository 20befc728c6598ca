"""What would go to whom, and why not, without sending anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from django.conf import settings

from handbill.delivery import queries as deliveries
from handbill.digest import actions, approval, freeze, letters, pages, plan, schedule
from handbill.digest.models import Alert, Issue
from handbill.digest.records import Chosen, Draft, DryIssue, DryLetter, DryReader, DryRun, Review, Window
from handbill.subscribers import queries as subscribers
from handbill.subscribers.records import Group, Slot, Wanted
from handbill.subscribers.wishes import due_on, next_issue
from handbill.topics.models import Topic


def last_closed(now: datetime) -> datetime | None:
    """When the paper's last issue closed; None before the first."""
    closed = Issue.objects.filter(closes__lte=now, slot=actions.PAPER.key)
    return closed.order_by("-date").values_list("closes", flat=True).first()


def dry_run(now: datetime, day: date | None = None) -> DryRun:
    """What ``send_now`` would do at this moment, or what would go on another ``day`` with what there is.

    Writes nothing. Every slot is asked that readers are in and that has an issue on its local day.
    """
    days = dict(_days(now, day))
    groups = subscribers.groups_of_slots({slot: (one, freeze.day_before(slot, one)) for slot, one in days.items()}, now)
    found = [_issue(slot, one, _window(slot, one, day, now), groups[slot], now) for slot, one in days.items()]
    first = found[0]
    nobody = not any(one.letters for one in found)
    return DryRun(first.date, tuple(found), why=actions.standstill() or (first.why if nobody else ""))


def dry_run_for(address: str, now: datetime, day: date | None = None) -> DryReader:
    """What the reader of an address would get, or why they get nothing. Raises AddressError."""
    found = subscribers.wanted(address, day or actions.today(now))
    if found is None:
        return DryReader(None, "Nobody with this address has signed up.")
    local = day or actions.today(now, found.slot)
    found = subscribers.wanted(address, local, freeze.day_before(found.slot, local)) or found
    if why := _why_not_mailed(found, local, now):
        return DryReader(None, why, _next(found, now) if found.reading else None)
    return DryReader(*_letter_for(found, local, day, now), _next(found, now))


def alert_subject(reference: str) -> str:
    """What the alert of a mailing's reference is about; empty for no alert's."""
    number = reference.partition(":")[2]
    rows = Alert.objects.filter(pk=int(number) if number.isascii() and number.isdigit() else 0)
    headline: str | None = rows.values_list("article__headline", flat=True).first()
    return headline or ""


def notices(now: datetime) -> list[str]:
    """What an editor should know of the slots that readers are in: zones that are no more."""
    return [line for slot in actions.slots(now) for line in _notices(slot)]


def _days(now: datetime, day: date | None) -> Iterator[tuple[Slot, date]]:
    """The slots that have an issue on ``day``, or today, with their local day; the paper's own first."""
    for slot in sorted(actions.slots(now), key=lambda slot: (slot != actions.PAPER, slot.key)):
        local = day or actions.today(now, slot)
        if slot == actions.PAPER or due_on(slot, local):
            yield slot, local


def _issue(slot: Slot, day: date, window: Window, groups: Mapping[Group, int], now: datetime) -> DryIssue:
    issue = Issue.objects.filter(date=day, slot=slot.key).first()
    if issue is not None:
        counted = DryIssue(day, slot.key, issue.opens, issue.closes, issue.entries.count(), 0, 0)
        return _with(counted, why=_why_there(issue, now), notices=_notices(slot))
    chosen = freeze.candidates(slot, window, groups)
    known = letters.load(chosen)
    chosen = known.present(chosen)
    planned = _planned(slot, chosen, groups)
    review, on_site = _review(slot, window.opens, chosen), _on_site(slot, chosen)
    shown = [_letter(draft, who, groups, known, day, slot, review, on_site) for draft, who in planned.items()]
    readers = sum(letter.readers for letter in shown)
    return DryIssue(
        date=day,
        slot=slot.key,
        opens=window.opens,
        closes=window.closes,
        articles=len({one.id for one in chosen if not one.extra}),
        readers=readers,
        readers_without=sum(groups.values()) - readers,
        letters=tuple(sorted(shown, key=lambda letter: (-letter.readers, letter.subject, letter.headlines))),
        why="" if shown else _why_nothing(chosen, groups),
        notices=_notices(slot),
    )


def _with(one: DryIssue, why: str, notices: tuple[str, ...]) -> DryIssue:
    return DryIssue(one.date, one.slot, one.opens, one.closes, one.articles, 0, 0, (), why, notices)


def _window(slot: Slot, local: date, day: date | None, now: datetime) -> Window:
    if day is None or day == actions.today(now, slot):
        return actions.by_hand(now, slot)
    return schedule.window(slot, local, schedule.clock_of(slot, freeze.paper_clock()))


def _planned(slot: Slot, chosen: list[Chosen], groups: Mapping[Group, int]) -> plan.Plan:
    selection = freeze.selected(slot, chosen, freeze.paper_order(), groups)
    return plan.plan_letters(selection, groups, settings.HANDBILL.language)


def _review(slot: Slot, opens: datetime, chosen: list[Chosen]) -> Review | None:
    return letters.review_of(slot, opens, chosen, schedule.clock_of(slot, freeze.paper_clock()).zone)


def _on_site(slot: Slot, chosen: list[Chosen]) -> bool:
    selection = freeze.selected(slot, chosen, freeze.paper_order(), ())
    return pages.has_page(slot.key, plan.reading_list(selection, frozenset()))


def _letter(
    draft: Draft,
    who: set[Group],
    groups: Mapping[Group, int],
    known: letters.Known,
    day: date,
    slot: Slot,
    review: Review | None,
    on_site: bool,
) -> DryLetter:
    composed = letters.compose_letter(draft, known, day, review=review, on_site=on_site)
    audiences = {group.audience for group in who}
    names = dict(Topic.objects.filter(pk__in={pk for one in audiences for pk in one}).values_list("pk", "name"))
    return DryLetter(
        subject=composed.subject,
        articles=len(draft.listed.articles),
        readers=sum(groups[group] for group in who),
        headlines=tuple(known.articles[pk].headline for pk in draft.listed.articles),
        topics=tuple(
            sorted(", ".join(sorted(names.get(pk, "?") for pk in one)) or "the whole paper" for one in audiences)
        ),
        html_bytes=len(composed.html.encode()),
        slot=slot.key,
        language=draft.language,
        html=composed.html or composed.text,
        cuts=composed.cuts,
    )


def _letter_for(found: Wanted, local: date, day: date | None, now: datetime) -> tuple[DryLetter | None, str]:
    issue = Issue.objects.filter(date=local, slot=found.slot.key).first()
    window = _window(found.slot, local, day, now)
    chosen = freeze.entries(issue) if issue else freeze.candidates(found.slot, window, [found.group])
    known = letters.load(chosen)
    chosen = known.present(chosen)
    planned = _planned(found.slot, chosen, {found.group: 1})
    for draft, who in planned.items():
        review = _review(found.slot, issue.opens if issue else window.opens, chosen)
        on_site = _on_site(found.slot, chosen)
        return _letter(draft, who, {found.group: 1}, known, local, found.slot, review, on_site), ""
    return None, _why_nothing(chosen, {found.group: 1})


def _why_not_mailed(found: Wanted, day: date, now: datetime) -> str:
    """In the order in which it would have to be put right."""
    if found.suppressed:
        return f"Their address must not be mailed ({found.suppressed})."
    if not found.confirmed:
        return "They have not confirmed their address."
    if not found.reading:
        return "They have left: no subscription is running."
    if found.by_feed and found.paused_until and found.paused_until > now:
        return "They read by feed, and no mail is sent to them."
    if found.paused_until and found.paused_until > now:
        return f"They pause until {found.paused_until:%Y-%m-%d}."
    if found.first and day < found.first:
        return f"They changed when they get it: their first issue there is that of {found.first:%Y-%m-%d}."
    if not due_on(found.slot, day):
        return f"None is due on {day:%A}, {day:%Y-%m-%d}: they wish it {found.slot.key}."
    if _has_it(found, day, now):
        return f"They had the issue of {day:%Y-%m-%d} already; nothing is sent twice."
    return ""


def _has_it(found: Wanted, day: date, now: datetime) -> bool:
    issue = Issue.objects.filter(date=day, slot=found.slot.key).first()
    if issue is None:
        return False
    name = actions.reference(issue)
    return any(copy.mailing == name for copy in deliveries.copies_of(found.id, now))


def _next(found: Wanted, now: datetime) -> datetime:
    clock = freeze.paper_clock()
    return next_issue(now, found.slot, clock.hour, clock.zone)


def _why_there(issue: Issue, now: datetime) -> str:
    begun = f"The issue of {issue} is there already ({issue.get_state_display()})"
    if issue.state == Issue.State.HANDED_OVER:
        return f"{begun}; nothing is sent twice."
    waits = approval.why_not(actions.decision(issue.date), settings.HANDBILL.digest_unapproved, now)
    return f"{begun}. {waits}" if waits else f"{begun} and was cut off; it would be finished as it was planned."


def _why_nothing(chosen: list[Chosen], groups: Mapping[Group, int]) -> str:
    if not chosen:
        return "No published article waits for an issue. Publish one, then look again."
    if not groups:
        return "Nobody has confirmed a subscription yet."
    return "No reader follows a topic of the articles that wait."


def _notices(slot: Slot) -> tuple[str, ...]:
    if not schedule.clock_of(slot, freeze.paper_clock()).lost:
        return ()
    zone = settings.HANDBILL.time_zone
    return (f"The zone {slot.zone} that readers named is no more; they get their issues by {zone}.",)
