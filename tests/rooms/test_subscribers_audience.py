"""The audience of a day's issues: counted slot by slot, or of all slots at once, it is the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from handbill.subscribers import queries
from handbill.subscribers.models import Subscriber
from handbill.subscribers.records import Slot

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
TODAY, DAY = date(2026, 11, 22), timedelta(days=1)
SLOTS = [Slot(), Slot(hour=18), Slot("weekly", 7, 18), Slot("weekdays", zone="Asia/Tokyo")]
DAYS = st.sampled_from([None, TODAY - DAY, TODAY, TODAY + DAY])
READERS = st.fixed_dictionaries(
    {
        "slot": st.sampled_from(SLOTS),
        "audience": st.sampled_from([None, "", "1", "1,2"]),
        "form": st.sampled_from(["excerpts", "headlines"]),
        "language": st.sampled_from(["", "de"]),
        "plain": st.booleans(),
        "paused_until": st.sampled_from([None, NOW - DAY, NOW, NOW + DAY]),
        "feed_since": st.sampled_from([None, NOW - DAY]),
        "alerted": st.sampled_from(["", ",1,", ",1,2,"]),
        "told_by": st.sampled_from([None, "", *(slot.key for slot in SLOTS)]),
        "told_day": DAYS,
        "first_day": DAYS,
    }
)


def add(number: int, slot: Slot, told_by: str | None, told_day: date | None, first_day: date | None, **more) -> None:
    """Who moved has all of it, and a first day after the last they were told."""
    day = told_day or TODAY
    moved = {
        "told_by": told_by,
        "told_day": day,
        "told_until": NOW - DAY,
        "first_day": max(first_day or day, day + DAY),
    }
    wishes = {"cadence": slot.cadence, "weekday": slot.weekday, "hour": slot.hour, "zone": slot.zone}
    more |= moved if told_by is not None else {}
    Subscriber.objects.create(address_hash=f"{number:064x}", created_at=NOW, confirmed_at=NOW, **wishes, **more)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(READERS, max_size=12), st.sets(st.sampled_from(SLOTS)), st.sampled_from([None, TODAY - DAY]))
def test_all_slots_at_once_count_as_each_by_itself(readers: list[dict], slots: set[Slot], after: date | None) -> None:
    Subscriber.objects.all().delete()
    for number, one in enumerate(readers):
        add(number, **one)
    asked = dict.fromkeys(slots, (TODAY, after))
    expected = {slot: queries.groups(slot, TODAY, NOW, after) for slot in slots}
    assert queries.groups_of_slots(asked, NOW) == expected
