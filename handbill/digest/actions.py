"""Send each slot's issue of the day: plan, compose, hand over, each a step that a later call takes up where it was cut
off.

The plan is frozen in one transaction (articles with their topics), then delivery gets the letters, then every reader.
A kill between any two leaves the same plan and the same letters, and a repeated hand-over adds nobody twice.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import TypeAlias

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from handbill.delivery import actions as delivery
from handbill.delivery.address import normalise
from handbill.delivery.queries import progress
from handbill.delivery.records import LetterBody, Recipient
from handbill.digest import approval, freeze, letters, logos, pages, plan, schedule
from handbill.digest.decisions import approve as approve
from handbill.digest.decisions import arrange as arrange
from handbill.digest.decisions import arranged as arranged
from handbill.digest.decisions import decision as decision
from handbill.digest.decisions import go_on as go_on
from handbill.digest.decisions import hold as hold
from handbill.digest.decisions import release as release
from handbill.digest.decisions import stand_still as stand_still
from handbill.digest.decisions import standstill as standstill
from handbill.digest.decisions import tested as tested
from handbill.digest.decisions import undo as undo
from handbill.digest.decisions import write_subject as write_subject
from handbill.digest.errors import NewAudience, NothingToTest
from handbill.digest.models import Issue, Letter
from handbill.digest.records import ComposedLetter, Draft, Selection, Sent, Window
from handbill.kit.errors import HandbillError
from handbill.subscribers import queries as subscribers
from handbill.subscribers.records import Group, Slot, read_slot
from handbill.subscribers.wishes import due_on
from handbill.work.actions import standing_job

JOB = "digest"
LEASE_SECONDS = 60  # spares a second worker the trouble; nothing depends on it
LOOK = "digest slots"
QUARTER = timedelta(minutes=15)  # every zone's hours begin at one: so often it is asked which slots are due
TROUBLE = "digest.trouble"
TOLD_FOR = 1800  # seconds that a trouble is told after it was met last; it is tried again in each of them
MOST_ROUNDS = 5  # hand-overs of one issue while readers keep choosing topics that no letter covers
PAPER = Slot()
_INSTANT = timedelta(microseconds=1)
State = Issue.State
Step: TypeAlias = Callable[[], Sent | None]
logger = logging.getLogger(__name__)


def send_due(now: datetime) -> Sent | None:
    """Finish what was begun, then send each slot's issue whose hour has come, until the next day's hour (ADR-0090).

    None when there is nothing to send, nobody to read it, or another worker is at it. Repeating it sends nothing twice.
    """
    logos.publish()
    with standing_job(JOB, now, LEASE_SECONDS) as held:
        if not held or standstill():
            return None
        steps = [*_begun(now), *_due_steps(now)]
        return _together(_all_of(steps))


def send_now(now: datetime) -> Sent:
    """Send today's issues by hand, with all that was published up to this moment, in each slot that has one today.

    An issue that is there already is finished if it was cut off, else nothing is repeated (``already``). With nothing
    to send, or nobody to read it, none is made: the answer has no letters. It waits for no other worker's lease, which
    may be a dead one's: two at once do the same, and constraints keep each reader's copy single. A person's word is an
    approval; what an editor holds stays held.
    """
    with standing_job(JOB, now, LEASE_SECONDS):
        sent = []
        for slot in slots(now):
            day = today(now, slot)
            if not due_on(slot, day):
                continue
            issue = Issue.objects.filter(date=day, slot=slot.key).first()
            if issue is not None and issue.state == State.HANDED_OVER:
                sent.append(_sent(issue, already=True))
            elif issue := issue or (None if standstill() else freeze.freeze(slot, day, by_hand(now, slot), now)):
                sent.append(_complete(issue, now, by_hand=True))
        return _together(sent) or Sent(today(now), f"issue:{today(now):%Y-%m-%d}", 0, 0, 0)


def send_test(address: str, now: datetime) -> str:
    """Send today's issue, or what it would be now, to ``address``, marked as a test; returns the mailing's reference.

    No issue is touched, and the links belong to no reader. Raises NothingToTest when there is no article to show,
    AddressError for no address.
    """
    day = today(now)
    issue = Issue.objects.filter(date=day, slot=PAPER.key).first()
    chosen = freeze.entries(issue) if issue else freeze.candidates(PAPER, by_hand(now))
    known = letters.load(chosen)
    selection = freeze.selected(PAPER, known.present(chosen), freeze.paper_order(), ())
    listed = plan.reading_list(selection, frozenset())
    if not listed:
        raise NothingToTest("There is nothing to show: no article waits for an issue. Publish one first.")
    draft, on_site = Draft(listed, settings.HANDBILL.language), pages.has_page(PAPER.key, listed)
    composed = letters.compose_letter(draft, known, day, test=True, on_site=on_site)
    return mail_test(address, composed, day, now)


def mail_test(address: str, composed: ComposedLetter, day: date, now: datetime) -> str:
    """Hand a letter over to one address, as nobody's; returns the mailing's reference. Raises AddressError."""
    address = normalise(address)
    logos.publish()
    nobody = f"{subscribers.TEST_SUBJECT}{secrets.token_hex(12)}"
    body = letters.body_of("test", settings.HANDBILL.language, composed)
    recipients = [Recipient(nobody, address, body.key)]
    return delivery.hand_over(f"test:{day:%Y-%m-%d}:{nobody[5:]}", "test", [body], recipients, now).reference


def trouble() -> str:
    """Why an issue could not be sent when it was tried last, in a sentence; empty when it could."""
    return cache.get(TROUBLE, "")


def slots(now: datetime) -> list[Slot]:
    """The slots that readers are in, the paper's own among them, in the order of their names."""
    return sorted({PAPER, *subscribers.slots(now)}, key=lambda slot: slot.key)


def today(now: datetime, slot: Slot = PAPER) -> date:
    """The slot's local date."""
    return now.astimezone(_clock(slot).zone).date()


def by_hand(now: datetime, slot: Slot = PAPER) -> Window:
    """The window of an issue sent by hand: up to and including this moment."""
    return replace(schedule.window(slot, today(now, slot), _clock(slot)), closes=now + _INSTANT)


def reference(issue: Issue) -> str:
    """What delivery calls the issue's mailing."""
    slot = "" if issue.slot == PAPER.key else ":" + issue.slot.replace(" ", ":")
    return f"issue:{issue.date:%Y-%m-%d}{slot}"


def _clock(slot: Slot) -> schedule.Clock:
    return schedule.clock_of(slot, freeze.paper_clock())


def _due_steps(now: datetime) -> Iterator[Step]:
    """Send the slots' issues that are due and not there, the earliest first. Looked up once a quarter of an hour, since
    that asks all readers when they want theirs."""
    quarter = now - (now - datetime.min.replace(tzinfo=UTC)) % QUARTER
    with standing_job(LOOK, now, LEASE_SECONDS, every=quarter + QUARTER - now) as held:
        for window, day, slot in sorted(_due(now), key=_first_closed) if held else ():
            yield lambda slot=slot, day=day, window=window: _begin(slot, day, window, now)  # type: ignore[misc]


def _due(now: datetime) -> Iterator[tuple[Window, date, Slot]]:
    there = set(Issue.objects.filter(closes__gt=now - 9 * schedule.FOLD_BACK).values_list("date", "slot"))
    for slot in slots(now):
        clock = _clock(slot)
        day = schedule.due_day(slot, now, clock)
        if day is not None and (day, slot.key) not in there:
            yield schedule.window(slot, day, clock), day, slot


def _first_closed(due: tuple[Window, date, Slot]) -> tuple[datetime, date, str]:
    return due[0].closes, due[1], due[2].key


def _begin(slot: Slot, day: date, window: Window, now: datetime) -> Sent | None:
    issue = freeze.freeze(slot, day, window, now)
    return _complete(issue, now) if issue else None


def _all_of(steps: Iterable[Step]) -> list[Sent]:
    """Take every step, though one may fail: readers of one slot don't wait for another's trouble. Raises the first."""
    sent, trouble = [], None
    for step in steps:
        try:
            sent.append(step())
        except HandbillError as error:
            logger.error("An issue could not be sent: %s", error)
            trouble = trouble or error
    if trouble:
        cache.set(TROUBLE, str(trouble), timeout=TOLD_FOR)
        raise trouble
    if sent:
        cache.delete(TROUBLE)
    return [one for one in sent if one]


def _together(sent: list[Sent]) -> Sent | None:
    """What several slots' issues come to; the date and reference of the paper's own, or else the first."""
    if not sent:
        return None
    first = next((one for one in sent if one.reference.count(":") == 1), sent[0])
    others = [one for one in sent if one is not first]
    return reduce(_sum, others, first)


def _sum(one: Sent, other: Sent) -> Sent:
    return replace(
        one,
        articles=max(one.articles, other.articles),
        letters=one.letters + other.letters,
        readers=one.readers + other.readers,
        already=one.already and other.already,
        waits=one.waits or other.waits,
    )


def _begun(now: datetime) -> Iterator[Step]:
    """Complete issues that were cut off. One whose day is over and of which nobody has a letter is dissolved, so that
    its articles go into the next."""
    for issue in Issue.objects.exclude(state=State.HANDED_OVER).order_by("closes", "slot"):
        over = schedule.over(issue.date, now, _clock(read_slot(issue.slot)))
        if over and not progress(reference(issue)).total:
            with transaction.atomic():
                pages.withdraw(issue)
                issue.delete()
            delivery.withdraw(reference(issue))
        else:
            yield lambda issue=issue: _complete(issue, now)  # type: ignore[misc]


def _complete(issue: Issue, now: datetime, *, by_hand: bool = False) -> Sent:
    """Compose, and hand over unless an editor's word is missing."""
    if issue.state == State.COMPOSED:
        _write_anew(issue)
    if issue.state == State.PLANNED:
        _compose(issue, now)
    decided = decision(issue.date)
    unapproved: approval.Unapproved = "send" if by_hand else settings.HANDBILL.digest_unapproved
    waits = approval.why_not(decided, unapproved, now)
    if issue.state == State.COMPOSED and not waits:
        _hand_over(issue, now)
    return replace(_sent(issue), waits=waits if issue.state == State.COMPOSED else "")


def _write_anew(issue: Issue) -> None:
    """Where an article was withdrawn, or an editor gave an order or a subject, since the letters were written, they are
    written anew, unless some have gone."""
    chosen = freeze.entries(issue)
    changed = issue.arranged != arranged() or letters.load(chosen).present(chosen) != chosen
    if changed and not progress(reference(issue)).total:
        with transaction.atomic():
            issue.letters.all().delete()
            delivery.withdraw(reference(issue))
            _advance(issue, State.PLANNED)


def _compose(issue: Issue, now: datetime) -> None:
    """Write the letters. What was withdrawn since the plan goes out of the issue, before any letter names it."""
    with transaction.atomic():
        if issue.arranged != (last := arranged()):
            freeze.arrange(issue)
            issue.arranged = last
        drafts = _Drafts(issue, now)
        issue.entries.exclude(article_id__in=drafts.known.articles).delete()
        issue.entries.filter(note__withdrawn_at__isnull=False).delete()
        _file(issue, (drafts.letter(draft, who) for draft, who in drafts.missing()), now)
        _advance(issue, State.COMPOSED)


def _file(issue: Issue, composed: Iterable[tuple[Letter, LetterBody]], now: datetime) -> None:
    """Write letters down, here and with delivery, which keeps what they say. Call it in a transaction."""
    logos.publish()
    rows: list[Letter] = []

    def bodies() -> Iterator[LetterBody]:
        for row, body in composed:
            rows.append(row)
            yield body

    delivery.file_letters(reference(issue), "issue", bodies(), now)
    Letter.objects.bulk_create(rows, ignore_conflicts=True)


def _hand_over(issue: Issue, now: datetime) -> None:
    """Show the issue on the site, and give delivery a stream of readers. One whose topics have no letter yet gets one
    composed."""
    for last in [False] * (MOST_ROUNDS - 1) + [True]:
        drafts, have = _Drafts(issue, now), set(issue.letters.values_list("key", flat=True))
        pages.publish(issue, drafts.whole, now)
        try:
            delivery.hand_over(reference(issue), "issue", (), drafts.recipients(have), now)
            break
        except NewAudience:
            if last:
                raise
            with transaction.atomic():
                _file(issue, (drafts.letter(draft, who) for draft, who in drafts.missing(have)), now)
    issue.handed_over_at = now
    _advance(issue, State.HANDED_OVER)


class _Drafts:
    """An issue's frozen articles, as far as they are public still, and the letters that follow from them."""

    def __init__(self, issue: Issue, now: datetime) -> None:
        self.issue, self.now = issue, now
        self.slot, self.language = read_slot(issue.slot), settings.HANDBILL.language
        self.chosen = freeze.entries(issue)
        self.known = letters.load(self.chosen)
        self.asked = (self.slot, issue.date)
        self.after = freeze.day_before(*self.asked)
        self.review = letters.review_of(self.slot, issue.opens, self.chosen, _clock(self.slot).zone)
        self.whole = plan.reading_list(self._public(self.selection(())), frozenset())  # for who reads the whole paper

    def selection(self, groups: Collection[Group]) -> Selection:
        return freeze.selected(self.slot, self.chosen, self.issue.topics, groups)

    def missing(self, have: Collection[str] = ()) -> list[tuple[Draft, set[Group]]]:
        """Each letter that readers need and ``have`` doesn't name, with its groups."""
        groups = subscribers.groups(*self.asked, self.now, self.after)
        planned = plan.plan_letters(self._public(self.selection(groups)), groups, self.language)
        return [(draft, who) for draft, who in planned.items() if plan.letter_key(draft) not in have]

    def letter(self, draft: Draft, who: set[Group]) -> tuple[Letter, LetterBody]:
        on_site = pages.has_page(self.issue.slot, self.whole)
        composed = letters.compose_letter(draft, self.known, self.issue.date, review=self.review, on_site=on_site)
        row = Letter(
            issue=self.issue,
            key=plan.letter_key(draft),
            articles=list(draft.listed.articles),
            audiences=sorted({tuple(sorted(group.audience)) for group in who}),
            language=draft.language,
            subject=composed.subject,
        )
        return row, letters.body_of(row.key, draft.language, composed)

    def recipients(self, keys: set[str]) -> Iterator[Recipient]:
        """Every reader with something to read, under their letter. Raises NewAudience when a letter is missing.

        Who came after the issue closed begins with the next, as they were told; ``wishes.move`` counts on it.
        """
        seen: dict[Group, str] = {}
        for reader in subscribers.readers(self.now, *self.asked, self.after):
            if self.issue.closes < reader.since <= self.now:
                continue
            if reader.group not in seen:
                seen[reader.group] = self._key(reader.group, keys)
            if key := seen[reader.group]:
                yield Recipient(reader.id, reader.address, key, int(reader.since.timestamp()))

    def _key(self, group: Group, keys: set[str]) -> str:
        """The letter of a group; empty when there is none to write, nothing on it or all of it withdrawn."""
        whole = self.selection([group])
        for selection in (whole, self._public(whole)):  # the letters that are written may name what was withdrawn since
            for draft in plan.plan_letters(selection, [group], self.language):
                if (key := plan.letter_key(draft)) in keys:
                    return key
        if plan.plan_letters(self._public(whole), [group], self.language):
            raise NewAudience("Readers chose topics that no letter covers yet. Hand the issue over again.")
        return ""

    def _public(self, selection: Selection) -> Selection:
        return replace(selection, articles=tuple(self.known.present(selection.articles)))


def _advance(issue: Issue, state: str) -> None:
    issue.state = state
    issue.save(update_fields=["state", "handed_over_at", "arranged"])


def _sent(issue: Issue, already: bool = False) -> Sent:
    return Sent(
        date=issue.date,
        reference=reference(issue),
        articles=issue.entries.filter(extra=False).count(),
        letters=issue.letters.count(),
        readers=progress(reference(issue)).total,
        already=already,
    )
