"""SIGKILL amid a flood of sign-ups, and while they are answered: who was told that it is noted gets one mail."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest

from handbill.testing.relay import LoopbackRelay, Moment, Stall
from tests.crash.floods import Running, flood, until
from tests.crash.newsroom import database_of
from tests.newsroom import Newsroom

PEOPLE = [f"reader.{number}@mail{number % 97}.example" for number in range(600)]
CONNECTIONS = 20
WAIT = 600  # seconds: what a killed sender held is held for seven minutes
LET_GO = """
from handbill.kit.clock import now
from handbill.subscribers.signups import let_go
let_go("Ada", now())
"""
LEFT = """
from handbill.delivery.models import Delivery
from handbill.subscribers.models import SignUp
print(SignUp.objects.count() + Delivery.objects.filter(next_at__isnull=False).count())
"""
ROWS = """
from handbill.delivery.models import Delivery
from handbill.subscribers.models import Consent, Subscriber
print(Subscriber.objects.count(), Consent.objects.count(), Delivery.objects.count())
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_nobody_is_lost_and_nobody_is_mailed_twice(tmp_path: Path, kind: str) -> None:
    with database_of(kind) as database, LoopbackRelay() as relay:
        newsroom = Newsroom(tmp_path / "newsroom", relay=relay.port, HANDBILL_DATABASE=database)
        with (newsroom.home / "handbill.toml").open("a") as toml:
            toml.write("connections = 1\n")  # in the table of the relay, which is the last
        running = Running(newsroom)
        try:
            with flood(newsroom, PEOPLE, CONNECTIONS) as noted:
                for count, victim in ((60, "public"), (160, ""), (260, "worker"), (360, "")):
                    until(lambda count=count: len(noted) >= count)
                    running.kill(victim)
            relay.script = slowly
            newsroom.python(LET_GO)
            for count, victim in ((80, "worker"), (200, "worker"), (320, "")):
                until(lambda count=count: len(relay.messages) >= count)
                running.kill(victim)
            until(lambda: {taken.recipients for taken in relay.messages} == {(one,) for one in PEOPLE}, WAIT)
            until(lambda: newsroom.python(LEFT).strip() == "0", WAIT)
        finally:
            running.end()
        rows = newsroom.python(ROWS).split()
    assert rows == [str(len(PEOPLE))] * 3, "a person, an evidence and a mail for each"
    mails = Counter((taken.recipients, message_from_bytes(taken.data)["Message-ID"]) for taken in relay.messages)
    assert len(mails) == len(PEOPLE), "what was sent again in doubt has the Message-ID of the first"


def slowly(moment: Moment) -> Stall | None:
    return Stall(0.02) if moment.stage == "dot" else None
