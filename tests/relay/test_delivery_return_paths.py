"""Return paths on the wire, and what a relay's refusal proves: the same as a bounce does."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from test_delivery_rounds import NOON, always, hand_over, newsroom, relay, use  # noqa: F401

from handbill.delivery import actions, paths, queries
from handbill.delivery.models import Delivery, Suppression
from handbill.delivery.records import SendRound
from handbill.testing.relay import LoopbackRelay, Reply

DAY = timedelta(days=1)
REFUSED = SendRound(refused=1)


def ended() -> list[str]:
    return [news.ends for news in queries.feedback_after(0, 100)]


def test_each_copy_has_a_return_path_of_its_own(newsroom: LoopbackRelay, settings: Any) -> None:  # noqa: F811
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, bounce_address="bounces@paper.example")
    hand_over(30)
    assert actions.send_batch(NOON).accepted == 30
    senders = {taken.recipients[0]: taken.sender for taken in newsroom.messages}
    for row in Delivery.objects.all():
        assert senders[f"{row.recipient.replace('-', '')}@mail.example"] == paths.Marks().sender(row.pk, "")
    assert len(set(senders.values())) == 30 and all(map(paths.is_return_path, senders.values()))


def test_a_vague_refusal_wants_a_second_mailing(newsroom: LoopbackRelay) -> None:  # noqa: F811
    newsroom.script = always("rcpt", Reply(550, "user unknown"))
    for days in range(2):
        hand_over(1, f"issue-{days}")
        assert ended() == [""] * days and not Suppression.objects.exists()
        Delivery.objects.filter(next_at__isnull=False).update(next_at=NOON + days * DAY)
        assert actions.send_batch(NOON + days * DAY) == REFUSED
    assert ended() == ["", "gone"] and Suppression.objects.get().reason == "gone"


@pytest.mark.parametrize(("stage", "ends"), [("rcpt", "gone"), ("dot", "")])
def test_a_definite_code_counts_as_the_answer_to_the_readers_name(
    newsroom: LoopbackRelay,  # noqa: F811
    stage: str,
    ends: str,
) -> None:
    newsroom.script = always(stage, Reply(550, "5.1.1 user unknown"))
    hand_over(1)
    assert actions.send_batch(NOON) == REFUSED and ended() == [ends]


def test_a_reader_is_told_who_accepted_their_copy(newsroom: LoopbackRelay) -> None:  # noqa: F811
    hand_over(1)
    actions.send_batch(NOON)
    (copy,) = queries.copies_of("reader-0", NOON)
    assert (copy.state, copy.relay, copy.reply, copy.tries) == ("accepted", "relay-0", "2.0.0 Taken", ())
