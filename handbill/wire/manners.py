"""How the newsroom fetches, in numbers, for the page that tells outlets: each is the constant that the code obeys."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings

from handbill.kit.http import MAX_BYTES
from handbill.sources.models import Source
from handbill.sources.schedule import BUSIEST, LEAST, MOST, SLEEPIEST, TOLD_FACTOR
from handbill.wire.politeness import A_MINUTE, AT_ONCE
from handbill.wire.web import PRODUCT, agent


@dataclass(frozen=True, slots=True)
class Manners:
    """What an outlet may expect of us. Minutes and hours are whole; ``contact`` is where to write, or ""."""

    agent: str
    product: str
    contact: str
    minutes: int  # at the busiest, by a feed's own rhythm
    hours: int  # at the sleepiest, and as long as Cache-Control is believed
    least_minutes: int  # whatever an editor chooses
    failing_hours: int  # between two visits to a feed that fails, at most
    told_factor: int  # so much less often where a hub tells of changes
    at_once: int  # connections to the hosts of one operator
    a_minute: int  # requests to them
    mebibytes: int  # the largest answer that is read
    excerpt_words: int  # quoted, unless an editor has agreed on something else


def manners() -> Manners:
    """How this newsroom fetches at present."""
    newsroom = settings.HANDBILL
    return Manners(
        agent=agent(),
        product=PRODUCT,
        contact=" · ".join(newsroom.postal_address.split("\n")) or parseaddr(newsroom.from_address)[1],
        minutes=int(BUSIEST.total_seconds()) // 60,
        hours=int(SLEEPIEST.total_seconds()) // 3600,
        least_minutes=int(LEAST.total_seconds()) // 60,
        failing_hours=int(MOST.total_seconds()) // 3600,
        told_factor=TOLD_FACTOR,
        at_once=AT_ONCE,
        a_minute=A_MINUTE,
        mebibytes=MAX_BYTES // 1048576,
        excerpt_words=Source._meta.get_field("excerpt_words").default,
    )
