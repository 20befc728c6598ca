"""How far a mailing is, what came back, and whether there is anything to send."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Sum

from handbill.delivery.models import Attempt, Delivery
from handbill.delivery.records import Feedback, Progress
from handbill.work.actions import due

State = Delivery.State


def progress(reference: str) -> Progress:
    """Recipients of a mailing by state; copies being sent this moment count as waiting. Unknown reference: zeros.

    ``total`` grows until the mailing is sealed.
    """
    rows = Delivery.objects.filter(mailing__reference=reference)
    count = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    return Progress(
        total=sum(count.values()),
        waiting=count.get(State.WAITING, 0) + count.get(State.SENDING, 0),
        accepted=count.get(State.ACCEPTED, 0),
        deferred=count.get(State.DEFERRED, 0),
        refused=count.get(State.REFUSED, 0),
        in_doubt=count.get(State.IN_DOUBT, 0),
        suppressed=count.get(State.SUPPRESSED, 0),
        repeats=rows.aggregate(sum=Sum("repeats"))["sum"] or 0,
    )


def feedback_after(cursor: int, limit: int) -> list[Feedback]:
    """Up to ``limit`` refusals, bounces and complaints after ``cursor`` (0 at first), oldest first.

    The last one's cursor is the next. Only one that ``ends`` means that the reader gets no more mail: any other is
    about us, the letter, a mailbox in trouble, or not proven yet (ADR-0006).
    """
    refused = Attempt.objects.filter(pk__gt=cursor, outcome=State.REFUSED).order_by("pk")
    return [
        Feedback(cursor=pk, recipient=recipient, state=outcome, reason=reason, at=at, ends=ends)
        for pk, recipient, outcome, reason, at, ends in refused.values_list(
            "pk", "delivery__recipient", "outcome", "reason", "at", "ends"
        )[:limit]
    ]


def anything_due(now: datetime) -> int:
    """How many copies could be sent right now."""
    return Delivery.objects.filter(due(Delivery, now)).count()
