"""What editors decide: order and subject, whether a day may go, and whether anything is sent. Each act is written down.

The desk calls these through ``actions``; the rules of approving are in ``approval``.
Order and subject are changed by acts in one line (``Act.follows``): who acts on an issue that somebody else changed
meanwhile is told so by ``Superseded``, and nothing is lost. An approval asks the same: it is for what was seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from handbill.digest import approval
from handbill.digest.errors import Superseded
from handbill.digest.models import Act, Day, Place, Standstill, Subject

MOST_OF_WHY = 300
MOST_OF_SUBJECT = 120
MOST_PLACED = 200
What = Act.What
_LINE = (What.ORDER, What.SUBJECT)


def arranged() -> int:
    """The last act on order or subject: the version of what an editor sees. 0 before the first."""
    return Act.objects.filter(what__in=_LINE).aggregate(last=Max("pk"))["last"] or 0


def arrange(ids: Iterable[int], day: date, now: datetime, who: str, seen: int | None = None, why: str = "") -> None:
    """Put these articles first in the issues to come, in this order, lead first; with none, all go by rank again.

    ``seen``: the version this was decided on; None: whatever it is. Raises Superseded.
    """
    with transaction.atomic():
        _follow(What.ORDER, day, now, who, seen, why)
        Place.objects.all().delete()
        Place.objects.bulk_create(
            Place(article_id=pk, position=number) for number, pk in enumerate(list(dict.fromkeys(ids))[:MOST_PLACED])
        )


def write_subject(article: int, text: str, day: date, now: datetime, who: str, seen: int | None = None) -> None:
    """The subject of the letters that an article leads; empty: its headline again. Raises Superseded."""
    text = " ".join(text.split())[:MOST_OF_SUBJECT]
    with transaction.atomic():
        _follow(What.SUBJECT, day, now, who, seen, text)
        if text:
            Subject.objects.update_or_create(article_id=article, defaults={"text": text})
        else:
            Subject.objects.filter(article=article).delete()


def approve(day: date, now: datetime, who: str, seen: int | None = None) -> bool:
    """The issues of a local date may go, once ten minutes are over in which ``undo`` stops them whole.

    False: somebody decided already. Raises Superseded where it was changed since it was ``seen``.
    """
    with transaction.atomic():
        row = _row(day)
        if seen not in (None, arranged()):
            raise Superseded("Somebody changed the issue meanwhile. Look at it again.")
        if row.approved_at or row.held_at:
            return False
        return _decide(row, What.APPROVE, now, who, approved_at=now, approved_by=who)


def undo(day: date, now: datetime, who: str) -> bool:
    """Take an approval back. False: it is too late, or there is none."""
    with transaction.atomic():
        row = _row(day)
        if not row.approved_at or now >= row.approved_at + approval.UNDO_WITHIN:
            return False
        return _decide(row, What.UNDO, now, who, approved_at=None, approved_by="")


def hold(day: date, why: str, now: datetime, who: str) -> bool:
    """Hand over no issue of a local date until ``release``; what delivery has already is delivery's to hold.

    False: it is held already.
    """
    why = " ".join(why.split())[:MOST_OF_WHY]
    with transaction.atomic():
        row = _row(day)
        return not row.held_at and _decide(row, What.HOLD, now, who, why, held_at=now, held_by=who, why=why)


def release(day: date, now: datetime, who: str) -> bool:
    """End a hold. False: there is none."""
    with transaction.atomic():
        row = _row(day)
        return bool(row.held_at) and _decide(row, What.RELEASE, now, who, held_at=None, held_by="", why="")


def stand_still(why: str, now: datetime) -> None:
    """Plan and send nothing until a person says ``go_on``: as after a restored backup (ADR-0011)."""
    Standstill.objects.create(since=now, why=why[:300])


def go_on(
    now: datetime, told_until: datetime | None = None, who: str = "", day: date | None = None, seen: int | None = None
) -> bool:
    """End a standstill; what was published before ``told_until`` counts as told. False: there is none.

    ``seen``: which one, where a person saw it. With ``day``, its next issue's date, the act is written down.
    """
    with transaction.atomic():
        last = standing_still()
        if last is None or seen not in (None, last.pk):
            return False
        _running().update(released_at=now, told_until=told_until)
        return day is None or _record(What.GO_ON, day, now, who, last.why)


def standing_still() -> Standstill | None:
    """The standstill that lasts, if any; of several, the last."""
    return _running().order_by("-pk").first()


def standstill() -> str:
    """Why nothing is planned or sent; empty when it is."""
    last = standing_still()
    return last.why if last else ""


def tested(day: date, now: datetime, who: str) -> None:
    """Somebody had a test sent to themselves."""
    _record(What.TEST, day, now, who)


def decision(day: date) -> approval.Decision:
    """What editors decided about a date."""
    row = Day.objects.filter(date=day).first()
    return approval.Decision(row.approved_at, row.held_at, row.why) if row else approval.Decision()


def _row(day: date) -> Day:
    """The date's row, nobody else's until the transaction ends."""
    Day.objects.get_or_create(date=day)
    return Day.objects.select_for_update().get(date=day)


def _decide(row: Day, what: What, now: datetime, who: str, said: str = "", **decided: object) -> bool:
    for name, value in decided.items():
        setattr(row, name, value)
    row.save(update_fields=[*decided])
    return _record(what, row.date, now, who, said)


def _follow(what: What, day: date, now: datetime, who: str, seen: int | None, why: str) -> None:
    last = arranged()
    if seen in (None, last):
        try:
            with transaction.atomic():
                _record(what, day, now, who, why, follows=last)
            return
        except IntegrityError:  # another's act, at the same moment
            pass
    raise Superseded("Somebody changed the issue meanwhile. Look at it again.")


def _record(what: What, day: date, now: datetime, who: str, why: str = "", follows: int | None = None) -> bool:
    Act.objects.create(at=now, who=who[:150], what=what, date=day, why=why[:MOST_OF_WHY], follows=follows)
    return True


def _running() -> QuerySet[Standstill]:
    return Standstill.objects.filter(released_at__isnull=True)
