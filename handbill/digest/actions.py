"""Send the day's issue: plan, compose, hand over, each a step that a later call takes up where it was cut off.

The plan is frozen in one transaction (articles with their topics), then delivery gets the letters, then every reader.
A kill between any two leaves the same plan and the same letters, and a repeated hand-over adds nobody twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction

from handbill.articles import queries as articles
from handbill.delivery import actions as delivery
from handbill.delivery.address import normalise
from handbill.delivery.queries import progress
from handbill.delivery.records import READER_SLOT, LetterBody, Recipient
from handbill.digest import letters, plan
from handbill.digest.errors import NewAudience, NothingToTest
from handbill.digest.models import Issue, IssueArticle, Letter
from handbill.digest.records import (
    Audience,
    Candidate,
    Chosen,
    ComposedLetter,
    LetterArticle,
    ReadingList,
    Sent,
    Window,
)
from handbill.subscribers import queries as subscribers
from handbill.work.actions import standing_job

JOB = "digest"
LEASE_SECONDS = 60  # spares a second worker the trouble; nothing depends on it
MOST_ROUNDS = 5  # hand-overs of one issue while readers keep choosing topics that no letter covers
_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)
State = Issue.State


def send_due(now: datetime) -> Sent | None:
    """Finish what was begun, then send the issue whose hour has come, until the next one's hour (ADR-0003).

    None when there is nothing to send, nobody to read it, or another worker is at it. Repeating it sends nothing twice.
    """
    with standing_job(JOB, now, LEASE_SECONDS) as held:
        if not held:
            return None
        finished = _finish_begun(now)
        day = plan.due_day(now, *_hour())
        if Issue.objects.filter(date=day).exists():
            return finished
        window = plan.issue_window(day, *_hour())
        issue = _freeze(day, window, now)
        return _complete(issue, now) if issue else finished


def send_now(now: datetime) -> Sent:
    """Send today's issue by hand, with all that was published up to this moment.

    When today's issue is there already it is finished if it was cut off, else nothing is repeated (``already``). With
    nothing to send, or nobody to read it, no issue is made: the answer has no letters. It waits for no other worker's
    lease, which may be a dead one's: two at once do the same, and constraints keep each reader's copy single.
    """
    with standing_job(JOB, now, LEASE_SECONDS):
        day = today(now)
        issue = Issue.objects.filter(date=day).first()
        if issue is not None and issue.state == State.HANDED_OVER:
            return _sent(issue, already=True)
        issue = issue or _freeze(day, by_hand(now), now)
        return _complete(issue, now) if issue else Sent(day, f"issue:{day:%Y-%m-%d}", 0, 0, 0)


def send_test(address: str, now: datetime) -> str:
    """Send today's issue, or what it would be now, to ``address``, marked as a test; returns the mailing's reference.

    No issue is touched, and the links belong to no reader. Raises NothingToTest when there is no article to show,
    AddressError for no address.
    """
    address = normalise(address)
    day = today(now)
    issue = Issue.objects.filter(date=day).first()
    chosen = _entries(issue) if issue else candidates(by_hand(now))
    known = letters.load_articles(one.id for one in chosen)
    shown = letters.present(plan.reading_list([one for one in chosen if one.id in known], frozenset()), known)
    if not shown:
        raise NothingToTest("There is nothing to show: no article waits for an issue. Publish one first.")
    composed = letters.compose_letter(shown, known, day, more=len(chosen) - len(shown), test=True)
    nobody = f"{subscribers.TEST_SUBJECT}{secrets.token_hex(12)}"
    body = _body("test", composed)
    recipients = [Recipient(nobody, address, body.key)]
    return delivery.hand_over(f"test:{day:%Y-%m-%d}:{nobody[5:]}", "test", [body], recipients, now).reference


def today(now: datetime) -> date:
    """The newsroom's local date."""
    return now.astimezone(settings.HANDBILL.zone).date()


def by_hand(now: datetime) -> Window:
    """The window of an issue sent by hand: up to and including this moment."""
    return Window(plan.issue_window(today(now), *_hour()).opens, now + _INSTANT)


def reference(issue: Issue) -> str:
    """What delivery calls the issue's mailing."""
    return f"issue:{issue.date:%Y-%m-%d}"


def candidates(window: Window) -> list[Chosen]:
    """What an issue with this window takes, in order: all that is in no issue yet, back to two days before it opens."""
    found = articles.candidates(window.opens - plan.FOLD_BACK, window.closes)
    taken = set(
        IssueArticle.objects.filter(article_id__in=[one.id for one in found]).values_list("article_id", flat=True)
    )
    return plan.choose(
        Candidate(one.id, one.published_at, one.topic_ids, one.outlets) for one in found if one.id not in taken
    )


def _hour() -> tuple[int, ZoneInfo]:
    return settings.HANDBILL.digest_hour, settings.HANDBILL.zone


def _freeze(day: date, window: Window, now: datetime) -> Issue | None:
    """Write down the issue of ``day`` and its articles; None when there is nothing to say or nobody to read it."""
    while True:
        chosen = candidates(window)
        if not chosen or not plan.plan_letters(chosen, subscribers.audiences(now)):
            return None
        try:
            return _write_down(day, window, chosen)
        except IntegrityError:  # another worker froze this issue, or one with the same articles, at the same moment
            if issue := Issue.objects.filter(date=day).first():
                return issue


def _write_down(day: date, window: Window, chosen: list[Chosen]) -> Issue:
    with transaction.atomic():
        issue = Issue.objects.create(date=day, opens=window.opens, closes=window.closes)
        IssueArticle.objects.bulk_create(
            IssueArticle(issue=issue, article_id=one.id, position=number, topics=sorted(one.topics))
            for number, one in enumerate(chosen)
        )
    return issue


def _finish_begun(now: datetime) -> Sent | None:
    """Complete issues that were cut off. One whose day is over and of which nobody has a letter is dissolved, so that
    its articles go into the next."""
    sent = None
    for issue in Issue.objects.exclude(state=State.HANDED_OVER).order_by("date"):
        over = now >= plan.closing(issue.date + _DAY, *_hour())
        if over and not progress(reference(issue)).total:
            issue.delete()
            delivery.withdraw(reference(issue))
        else:
            sent = _complete(issue, now)
    return sent


def _complete(issue: Issue, now: datetime) -> Sent:
    if issue.state == State.PLANNED:
        _compose(issue, now)
    if issue.state == State.COMPOSED:
        _hand_over(issue, now)
    return _sent(issue)


def _compose(issue: Issue, now: datetime) -> None:
    """Write the letters. What was withdrawn since the plan goes out of the issue, before any letter names it."""
    known = letters.load_articles(one.id for one in _entries(issue))
    drafts = _Drafts(issue, [one for one in _entries(issue) if one.id in known], now)
    with transaction.atomic():
        issue.entries.exclude(article_id__in=known).delete()
        _file(issue, (drafts.letter(listed, who, known) for listed, who in drafts.missing()), now)
        _advance(issue, State.COMPOSED)


def _file(issue: Issue, composed: Iterable[tuple[Letter, LetterBody]], now: datetime) -> None:
    """Write letters down, here and with delivery, which keeps what they say. Call it in a transaction."""
    rows: list[Letter] = []

    def bodies() -> Iterator[LetterBody]:
        for row, body in composed:
            rows.append(row)
            yield body

    delivery.file_letters(reference(issue), "issue", bodies(), now)
    Letter.objects.bulk_create(rows, ignore_conflicts=True)


def _hand_over(issue: Issue, now: datetime) -> None:
    """Give delivery a stream of readers. One whose topics have no letter yet gets one composed."""
    drafts = _Drafts(issue, _entries(issue), now)
    for last in [False] * (MOST_ROUNDS - 1) + [True]:
        try:
            recipients = drafts.recipients(set(issue.letters.values_list("key", flat=True)))
            delivery.hand_over(reference(issue), "issue", (), recipients, now)
            break
        except NewAudience:
            if last:
                raise
            _compose_late(issue, drafts, now)
    _advance(issue, State.HANDED_OVER)


def _compose_late(issue: Issue, drafts: _Drafts, now: datetime) -> None:
    known = letters.load_articles(one.id for one in drafts.chosen)
    have = set(issue.letters.values_list("key", flat=True))
    missing = [(listed, who) for listed, who in drafts.missing(have) if letters.present(listed, known)]
    with transaction.atomic():
        _file(issue, (drafts.letter(listed, who, known) for listed, who in missing), now)


@dataclass(frozen=True, slots=True)
class _Drafts:
    """An issue's frozen articles, and the letters that follow from them."""

    issue: Issue
    chosen: list[Chosen]
    now: datetime

    def missing(self, have: Collection[str] = ()) -> list[tuple[ReadingList, set[Audience]]]:
        """Each reading list that a reader has and no letter of ``have`` covers, with its audiences."""
        planned = plan.plan_letters(self.chosen, subscribers.audiences(self.now))
        return [(listed, who) for listed, who in planned.items() if plan.letter_key(listed) not in have]

    def letter(
        self, listed: ReadingList, who: set[Audience], known: Mapping[int, LetterArticle]
    ) -> tuple[Letter, LetterBody]:
        more = min(len(plan.matching(self.chosen, audience)) for audience in who) - len(listed)
        composed = letters.compose_letter(listed, known, self.issue.date, more=more)
        row = Letter(
            issue=self.issue,
            key=plan.letter_key(listed),
            articles=list(listed),
            audiences=sorted(sorted(audience) for audience in who),
            subject=composed.subject,
        )
        return row, _body(row.key, composed)

    def recipients(self, keys: set[str]) -> Iterator[Recipient]:
        """Every reader with something to read, under their letter. Raises NewAudience when a letter is missing."""
        seen: dict[Audience, str] = {}
        for reader in subscribers.readers(self.now):
            if reader.audience not in seen:
                seen[reader.audience] = self._key(plan.reading_list(self.chosen, reader.audience), keys)
            if key := seen[reader.audience]:
                yield Recipient(reader.id, reader.address, key, int(reader.since.timestamp()))

    def _key(self, listed: ReadingList, keys: set[str]) -> str:
        """The letter of a reading list; empty when there is none to write, all on it having been withdrawn."""
        key = plan.letter_key(listed) if listed else ""
        if not key or key in keys:
            return key
        if letters.load_articles(listed):
            raise NewAudience("Readers chose topics that no letter covers yet. Hand the issue over again.")
        return ""


def _entries(issue: Issue) -> list[Chosen]:
    return [Chosen(row.article_id, frozenset(row.topics)) for row in issue.entries.order_by("position")]


def _body(key: str, composed: ComposedLetter) -> LetterBody:
    paper = settings.HANDBILL
    return LetterBody(
        key=key,
        sender=paper.from_address,
        subject=composed.subject,
        html=composed.html_pieces,
        text=composed.text_pieces,
        language=paper.language,
        one_click=subscribers.reader_links(READER_SLOT).unsubscribe,
    )


def _advance(issue: Issue, state: str) -> None:
    issue.state = state
    issue.save(update_fields=["state"])


def _sent(issue: Issue, already: bool = False) -> Sent:
    return Sent(
        date=issue.date,
        reference=reference(issue),
        articles=issue.entries.count(),
        letters=issue.letters.count(),
        readers=progress(reference(issue)).total,
        already=already,
    )
