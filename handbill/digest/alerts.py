"""One article, mailed to a topic's readers between issues: looked at, approved with time to undo, planned, handed over.

Whom it reaches is written into their own rows, a thousand at a time, before anybody is mailed; a kill between any two
leaves the same plan, and constraints keep each reader's copy single (ADR-0102). What an alert told, issues don't tell
its readers again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from handbill.articles.models import Article
from handbill.articles.queries import published
from handbill.delivery import actions as delivery
from handbill.delivery.queries import progress
from handbill.delivery.records import LetterBody, Progress, Recipient
from handbill.digest import letters, logos, plan, reach
from handbill.digest.actions import mail_test
from handbill.digest.approval import UNDO_WITHIN
from handbill.digest.decisions import MOST_OF_SUBJECT, standstill
from handbill.digest.errors import NoAlert
from handbill.digest.freeze import TOLD_BY
from handbill.digest.models import Alert, IssueArticle
from handbill.digest.reach import AlertLimits, Rule, Why
from handbill.digest.records import Chosen, ComposedLetter, Draft, ReadingList
from handbill.subscribers import actions as subscribers
from handbill.subscribers import queries as readers
from handbill.subscribers.records import Group, Reachable
from handbill.topics.models import Topic
from handbill.work.actions import standing_job

JOB = "alerts"
KIND = "alert"
LEASE_SECONDS = 60  # spares a second worker the trouble; nothing depends on it
LATEST = timedelta(hours=2)  # what could not go for so long is no alert any more
RECENT = timedelta(days=14)  # as long as an issue may look back for what readers were told
FRESH = timedelta(days=3)  # an older article is no alert
State, Dropped = Alert.State, Alert.Dropped


class Refused(StrEnum):
    """Why an alert can't be approved."""

    STILL = "still"  # the digest stands still
    PRIVATE = "private"  # the article is not public
    RETIRED = "retired"  # the topic takes nothing new
    OFF_TOPIC = "off topic"  # the article is not on it
    OLD = "old"  # older than FRESH
    SENT = "sent"  # to this topic's readers before
    PENDING = "pending"  # another one has not gone yet
    LIMIT = "limit"  # the newsroom sent as many as it may
    NOBODY = "nobody"  # it reaches nobody


@dataclass(frozen=True, slots=True)
class Preview:
    """What an alert would be, if it were approved at this moment."""

    article: Article
    topic: Topic
    goes_at: datetime
    counts: Counter[Why]
    letter: ComposedLetter | None
    why_not: Refused | None = None

    @property
    def readers(self) -> int:
        return self.counts[Why.REACHED]


@dataclass(frozen=True, slots=True)
class AlertStanding:
    """An alert, until when it can be undone whole, and how far its copies are."""

    alert: Alert
    undo_until: datetime
    progress: Progress


def offered(now: datetime) -> list[Article]:
    """Articles that could be alerted: public, young, and on a topic; the newest first."""
    rows = published().filter(published_at__gte=now - FRESH, topics__retired=False).distinct()
    return list(rows.prefetch_related("topics")[:100])


def preview(article: Article, topic: Topic, now: datetime, subject: str = "") -> Preview:
    """Whom the alert would reach and when, and the letter as who reads the whole paper gets it. Changes nothing."""
    goes_at = now + UNDO_WITHIN
    rule = _rule(article, topic, goes_at)
    counts = reach.counted(readers.reachable(now), rule)
    composed = _compose(article, topic, _tidied(subject), goes_at)
    why = _refused(article, topic, now) or (None if counts[Why.REACHED] else Refused.NOBODY)
    return Preview(article, topic, goes_at, counts, composed, why)


def approve(article: Article, topic: Topic, now: datetime, who: str, subject: str = "") -> Alert:
    """Let it go in ten minutes, in which ``undo`` stops it whole. Raises NoAlert."""
    if why := preview(article, topic, now, subject).why_not:
        raise NoAlert(why)
    try:
        with transaction.atomic():
            return Alert.objects.create(
                article=article,
                topic=topic,
                story=article.story_id,
                subject=_tidied(subject),
                approved_at=now,
                approved_by=who[:150],
            )
    except IntegrityError:
        raise NoAlert(Refused.SENT) from None


def undo(alert_id: int, now: datetime, who: str) -> bool:
    """Take an approval back. False: it is too late, or somebody did."""
    young = Alert.objects.filter(pk=alert_id, state=State.APPROVED, approved_at__gt=now - UNDO_WITHIN)
    return bool(young.update(state=State.UNDONE, undone_at=now, undone_by=who[:150]))


def send_test(article: Article, topic: Topic, address: str, now: datetime, subject: str = "") -> None:
    """Mail it to one address, marked as a test. Raises NoAlert, AddressError."""
    composed = _compose(article, topic, _tidied(subject), now, test=True)
    if composed is None:
        raise NoAlert(Refused.PRIVATE)
    mail_test(address, composed, _day(now), now)


def send_due(now: datetime) -> int:
    """Send the alerts whose time to undo is over, and finish what was cut off; how many were handed over now."""
    with standing_job(JOB, now, LEASE_SECONDS) as held:
        if not held or standstill():
            return 0
        begun = Q(state__in=(State.PLANNING, State.PLANNED))
        due = Q(state=State.APPROVED, approved_at__lte=now - UNDO_WITHIN)
        return sum(_go(alert, now) for alert in list(Alert.objects.filter(begun | due).order_by("pk")))


def recent(now: datetime, most: int = 20) -> list[AlertStanding]:
    """The last alerts, the newest first."""
    return [
        AlertStanding(one, one.approved_at + UNDO_WITHIN, progress(reference(one)))
        for one in Alert.objects.select_related("article", "topic").order_by("-pk")[:most]
    ]


def reference(alert: Alert) -> str:
    """What delivery calls its mailing."""
    return f"{KIND}:{alert.pk}"


def limits() -> AlertLimits:
    """As the newsroom set them."""
    paper = settings.HANDBILL
    return AlertLimits(
        day=paper.alerts_a_day,
        week=paper.alerts_a_week,
        reader_day=paper.alerts_a_reader_a_day,
        reader_week=paper.alerts_a_reader_a_week,
        quiet_from=paper.alerts_quiet_from,
        quiet_until=paper.alerts_quiet_until,
    )


def _refused(article: Article, topic: Topic, now: datetime) -> Refused | None:
    """Why it can't be approved, whoever would get it."""
    if standstill():
        return Refused.STILL
    if why := _unfit(article, topic):
        return Refused.PRIVATE if why == Dropped.WITHDRAWN else Refused.RETIRED
    if topic not in article.topics.all():
        return Refused.OFF_TOPIC
    if article.published_at is None or article.published_at < now - FRESH:
        return Refused.OLD
    counted = Alert.objects.exclude(state__in=(State.UNDONE, State.DROPPED))
    if counted.filter(article=article, topic=topic).exists():
        return Refused.SENT
    if counted.exclude(state=State.HANDED_OVER).exists():
        return Refused.PENDING
    earlier = counted.filter(approved_at__gt=now - reach.WEEK).values_list("approved_at", flat=True)
    return None if reach.may_send(earlier, now, limits()) else Refused.LIMIT


def _unfit(article: Article, topic: Topic) -> Alert.Dropped | None:
    if not article.live:
        return Dropped.WITHDRAWN
    return Dropped.RETIRED if topic.retired else None


def _go(alert: Alert, now: datetime) -> bool:
    """Take it as far as it can be: each step is written down before the next. Whether it was handed over now."""
    since = alert.planned_at or alert.approved_at + UNDO_WITHIN
    out = bool(progress(reference(alert)).total)
    why = None if out else Dropped.LATE if now > since + LATEST else _unfit(alert.article, alert.topic)
    if why:
        return _drop(alert, why)
    if alert.state == State.APPROVED and not _advance(alert, State.APPROVED, State.PLANNING, planned_at=now):
        return False
    if alert.state == State.PLANNING:
        _plan(alert, now)
        _advance(alert, State.PLANNING, State.PLANNED)
    return _hand_over(alert, now)


def _plan(alert: Alert, now: datetime) -> None:
    """Write it into the rows of all whom it reaches, as it was when it went; who has it stays in the plan."""
    at = alert.planned_at or now
    known = Alert.objects.filter(state__in=TOLD_BY, planned_at__gt=at - RECENT).values_list("pk", flat=True)

    def asked() -> Callable[[Reachable], bool]:
        rule = _rule(alert.article, alert.topic, at, alert.pk)
        return lambda one: reach.verdict(one, rule) is Why.REACHED

    subscribers.give_alert(alert.pk, asked, set(known), now)


def _hand_over(alert: Alert, now: datetime) -> bool:
    name = reference(alert)
    groups = readers.alerted_groups(alert.pk, now)
    if not groups:
        return _drop(alert, Dropped.NOBODY)
    mailing = delivery.file_letters(name, KIND, (), now)
    if not mailing.bodies.exists():
        delivery.file_letters(name, KIND, _letters(alert, groups, now), now)
    keys = set(mailing.bodies.values_list("key", flat=True))
    if not keys:
        return _drop(alert, Dropped.WITHDRAWN)
    delivery.hand_over(name, KIND, (), _recipients(alert, keys, now), now)
    return _advance(alert, State.PLANNED, State.HANDED_OVER, handed_over_at=now)


def _advance(alert: Alert, was: str, state: str, **more: object) -> bool:
    """Go from one state to another. False: somebody did, or undid it, before."""
    if not Alert.objects.filter(pk=alert.pk, state=was).update(state=state, **more):
        return False
    for name, value in {"state": state, **more}.items():
        setattr(alert, name, value)
    return True


def _drop(alert: Alert, why: str) -> bool:
    """Nobody gets it, and the editor is told why."""
    Alert.objects.filter(pk=alert.pk).exclude(state=State.UNDONE).update(state=State.DROPPED, dropped=why)
    delivery.withdraw(reference(alert))
    return False


def _rule(article: Article, topic: Topic, at: datetime, own: int | None = None) -> Rule:
    """What decides on readers as things stand; ``own``: the alert that is asked for, which counts for none."""
    tells = Q(article=article.pk)
    if article.story_id is not None:
        tells |= Q(story=article.story_id)
    told = IssueArticle.objects.filter(tells, extra=False, alert=False).values_list("slot", flat=True).distinct()
    alerts = Alert.objects.filter(state__in=TOLD_BY).exclude(pk=own or 0)
    given = alerts.filter(planned_at__gt=at - reach.WEEK).values_list("pk", "planned_at")
    return Rule(
        topic=topic.pk,
        at=at,
        zone=settings.HANDBILL.zone,
        limits=limits(),
        told=frozenset(told),
        same=frozenset(alerts.filter(tells).values_list("pk", flat=True)),
        given={pk: moment for pk, moment in given if moment},
    )


def _compose(
    article: Article, topic: Topic, subject: str, moment: datetime, draft: Draft | None = None, test: bool = False
) -> ComposedLetter | None:
    """The letter; None for an article that is not public."""
    known = letters.load([Chosen(article.pk, frozenset())])
    if article.pk not in known.articles:
        return None
    shown = known.articles[article.pk]
    known = replace(known, articles={article.pk: replace(shown, subject=subject or shown.subject)})
    draft = draft or _draft(article.pk)
    return letters.compose_letter(draft, known, _day(moment), test=test, alert=topic.name)


def _draft(article: int, group: Group | None = None) -> Draft:
    """The letter for readers who have this in common; without, the paper's own."""
    listed, language = ReadingList((article,)), settings.HANDBILL.language
    return Draft(listed, group.language or language, group.form, group.plain) if group else Draft(listed, language)


def _letters(alert: Alert, groups: Iterable[Group], now: datetime) -> Iterator[LetterBody]:
    logos.publish()
    own = _draft(alert.article_id)
    for draft in {own, *(_draft(alert.article_id, group) for group in groups)}:
        composed = _compose(alert.article, alert.topic, alert.subject, now, draft)
        if composed is not None:
            yield letters.body_of(plan.letter_key(draft), draft.language, composed)


def _recipients(alert: Alert, keys: set[str], now: datetime) -> Iterator[Recipient]:
    """Every reader whom it was given, under their letter; the paper's own where theirs was chosen only now."""
    own = plan.letter_key(_draft(alert.article_id))
    for reader in readers.alerted_readers(alert.pk, now):
        key = plan.letter_key(_draft(alert.article_id, reader.group))
        yield Recipient(reader.id, reader.address, key if key in keys else own)


def _day(moment: datetime) -> date:
    return moment.astimezone(settings.HANDBILL.zone).date()


def _tidied(subject: str) -> str:
    return " ".join(subject.split())[:MOST_OF_SUBJECT]
