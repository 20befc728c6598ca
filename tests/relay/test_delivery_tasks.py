"""The doorbell, passwords, and verified encryption."""

import dataclasses
from pathlib import Path

import pytest
from celery.worker import state

from handbill.delivery import actions, queries, tasks
from handbill.delivery.engine.outcome import RelayTrouble
from handbill.delivery.models import Delivery
from handbill.delivery.records import LetterBody, Recipient
from handbill.delivery.relays import own_name, password_of
from handbill.kit import clock
from handbill.kit.mail_settings import Relay
from handbill.testing.relay import LoopbackRelay, Moment, Stall
from handbill.work.models import Job

LETTER = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")


def use(settings, relay: Relay) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=(relay,))


def hand_over(count: int) -> None:
    people = (Recipient(f"{n}", f"reader{n}@mail.example", "main") for n in range(count))
    actions.hand_over("issue-1", "issue", [LETTER], people, clock.now())


@pytest.mark.django_db
def test_a_ring_sends_all_that_is_due(settings):
    with LoopbackRelay() as relay:
        use(settings, Relay("local", relay.host, relay.port, "smtp"))
        hand_over(30)
        tasks.send_waiting()
        tasks.send_waiting()
        assert len(relay.messages) == 30 and queries.progress("issue-1").settled


@pytest.mark.django_db
def test_a_worker_told_to_stop_begins_no_copy_more(settings, monkeypatch):
    with LoopbackRelay() as relay:
        use(settings, Relay("local", relay.host, relay.port, "smtp"))
        hand_over(150)

        def told(moment: Moment) -> Stall:
            if moment.stage == "dot":
                monkeypatch.setattr(state, "should_stop", 0)
            return Stall(0.01)

        relay.script = told
        tasks.send_waiting()
        taken = len(relay.messages)
        assert 0 < taken < 150 and Delivery.objects.filter(state="accepted").count() == taken
        assert Delivery.objects.filter(state="waiting", lease_token="", tries=0).count() == 150 - taken


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://paper.example", "paper.example"),
        ("http://127.0.0.1:8100", "[127.0.0.1]"),
        ("http://[::1]:8100", "[IPv6:::1]"),
    ],
)
def test_we_greet_a_relay_by_name_or_literal(settings, address: str, name: str):
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, public_address=address)
    assert own_name() == name


@pytest.mark.django_db
def test_a_ring_without_a_relay_loses_nothing_and_waits(settings):
    use(settings, Relay("down", "127.0.0.1", 1, "smtp"))
    hand_over(3)
    tasks.send_waiting()
    assert Delivery.objects.filter(state="waiting", tries=0).count() == 3
    assert Job.objects.get(name="send mail").lease_until > clock.now()


def test_a_password_comes_from_the_environment_or_the_keys(settings, tmp_path: Path, monkeypatch):
    (tmp_path / "keys").mkdir()
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    relay = Relay("main-one", "relay.example", 587, "smtp+starttls", "ada")
    with pytest.raises(RelayTrouble, match="relay-main-one"):
        password_of(relay)
    (tmp_path / "keys" / "relay-main-one").write_text("from the file\n")
    assert password_of(relay) == "from the file"
    monkeypatch.setenv("HANDBILL_RELAY_PASSWORD_MAIN_ONE", "from outside")
    assert password_of(relay) == "from outside"
    assert password_of(dataclasses.replace(relay, user="")) == ""
