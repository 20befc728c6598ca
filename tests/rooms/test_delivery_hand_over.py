"""Mailings are taken once, whole, and without a readable address."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection

from handbill.delivery import actions, queries
from handbill.delivery.errors import MailingError
from handbill.delivery.models import Delivery, Mailing, Suppression
from handbill.delivery.records import LetterBody, Recipient
from handbill.delivery.sealed import open_address
from handbill.kit.errors import GiveUp

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")
pytestmark = pytest.mark.django_db


def readers(count: int) -> Iterator[Recipient]:
    return (Recipient(f"reader-{n}", f"reader{n}@mail.example", "main") for n in range(count))


def hand_over(recipients: Iterator[Recipient] | list[Recipient], reference: str = "issue-1") -> Mailing:
    return actions.hand_over(reference, "issue", [LETTER], recipients, NOON)


def test_every_recipient_is_due_once():
    mailing = hand_over(readers(2500))
    assert mailing.sealed_at == NOON
    assert queries.progress("issue-1").total == queries.progress("issue-1").waiting == 2500
    assert queries.anything_due(NOON) == 2500 and queries.anything_due(NOON - timedelta(hours=2)) == 0


def test_a_sealed_mailing_is_left_alone():
    hand_over(readers(3))
    before = list(Delivery.objects.order_by("pk").values())

    def never() -> Iterator[Recipient]:
        raise AssertionError("the recipients of a sealed mailing were read")
        yield

    again = hand_over(never())
    assert again.sealed_at == NOON
    assert list(Delivery.objects.order_by("pk").values()) == before


def test_a_hand_over_that_was_cut_off_is_continued():
    def cut_off() -> Iterator[Recipient]:
        yield from readers(1200)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hand_over(cut_off())
    assert Mailing.objects.get().sealed_at is None
    assert queries.progress("issue-1").total == 1000
    hand_over(readers(2000))
    assert sorted(Delivery.objects.values_list("recipient", flat=True)) == sorted(one.id for one in readers(2000))


def test_a_letter_that_is_missing_is_an_error():
    with pytest.raises(MailingError, match="other"):
        hand_over([Recipient("1", "bob@mail.example", "other")])
    assert Mailing.objects.get().sealed_at is None


def test_an_address_that_is_none_is_filed_as_refused_and_holds_up_nobody():
    hand_over([Recipient("1", "no address", "main"), *readers(2)])
    found = queries.progress("issue-1")
    assert (found.total, found.refused, found.waiting) == (3, 1, 2)
    assert not Delivery.objects.get(recipient="1").address_sealed


def test_an_address_opens_only_in_its_own_row():
    hand_over(readers(2))
    one, two = Delivery.objects.order_by("pk")
    assert open_address(one.address_sealed, "issue-1", "reader-0") == "reader0@mail.example"
    for reference, recipient in (("issue-1", "reader-1"), ("issue-2", "reader-0")):
        with pytest.raises(GiveUp):
            open_address(one.address_sealed, reference, recipient)
    assert one.address_hash != two.address_hash


def test_no_table_holds_a_readable_address():
    actions.hand_over("issue-1", "issue", [LETTER], [Recipient("1", "Dee.Bounces@mail.example", "main")], NOON)
    actions.suppress("dee.bounces@mail.example", "complaint", NOON)
    with connection.cursor() as cursor:
        for model in apps.get_app_config("delivery").get_models():
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            for row in cursor.fetchall():
                cells = b" ".join(bytes(c) if isinstance(c, bytes | memoryview) else str(c).encode() for c in row)
                assert b"dee.bounces" not in cells.lower() and b"mail.example" not in cells


def test_memory_does_not_grow_with_the_mailing():
    def peak(count: int, reference: str) -> int:
        tracemalloc.start()
        hand_over(readers(count), reference)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1000, "warm")
    assert peak(6000, "large") < 1.3 * peak(2000, "small")


def test_a_confirmation_goes_before_an_issue_under_way():
    hand_over(readers(30))
    later = NOON + timedelta(minutes=5)
    actions.hand_over("confirm-1", "confirmation", [LETTER], [Recipient("x", "cy@mail.example", "main")], later)
    assert Delivery.objects.order_by("next_at").first().mailing.reference == "confirm-1"


def test_a_suppression_keeps_its_first_reason_and_can_be_lifted():
    actions.suppress("Bob@mail.example", "complaint", NOON)
    actions.suppress("bob@MAIL.example", "gone", NOON)
    assert list(Suppression.objects.values_list("reason", flat=True)) == ["complaint"]
    actions.allow("bob@mail.example")
    actions.allow("bob@mail.example")
    assert not Suppression.objects.exists()


def test_a_copy_is_called_off_unless_a_worker_has_it():
    hand_over(readers(3))
    hand_over(readers(1), "issue-2")
    Delivery.objects.filter(recipient="reader-1").update(lease_until=NOON + timedelta(minutes=1), lease_token="x")
    assert [actions.call_off(f"reader-{n}", NOON) for n in range(2)] == [2, 0]
    gone = Delivery.objects.filter(recipient="reader-0")
    assert set(gone.values_list("state", "next_at", "settled_at")) == {("suppressed", None, NOON)}
    assert not any(gone.values_list("address_sealed", flat=True))
    assert queries.progress("issue-1").waiting == 2 and actions.call_off("reader-0", NOON) == 0


def test_an_unknown_mailing_has_no_progress():
    found = queries.progress("nothing")
    assert (found.total, found.repeats, found.settled) == (0, 0, True)
