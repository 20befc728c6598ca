"""Several relays, one of them in trouble: mail moves on in mid-run, nothing is sent twice, and it is said why."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from django.contrib.auth import get_user_model

from handbill.delivery import actions, queries
from handbill.delivery.engine import pool
from handbill.delivery.errors import NoRelay
from handbill.delivery.models import Attempt, Breaker, Delivery, Mailing, Tally
from handbill.delivery.records import LetterBody, Recipient, SendRound
from handbill.desk.call import call_editors
from handbill.kit.mail_settings import Relay
from handbill.ops.doctor import examine
from handbill.testing.relay import OFFERS, Act, Drop, LoopbackRelay, Moment, Reply, Stall

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
SUSPENDED = Reply(550, "5.7.0 Your account has been suspended")
Use = Callable[..., None]
pytestmark = pytest.mark.django_db


@pytest.fixture
def first() -> Iterator[LoopbackRelay]:
    with LoopbackRelay() as relay:
        yield relay


@pytest.fixture
def second() -> Iterator[LoopbackRelay]:
    with LoopbackRelay() as relay:
        yield relay


@pytest.fixture
def use(settings) -> Use:
    """Put relays into the settings, each with its limits."""

    def put(*relays: LoopbackRelay, limits: tuple[dict[str, object], ...] = (), **more: object) -> None:
        both = zip(("first", "second"), relays, (*limits, {}, {}), strict=False)
        chosen = tuple(Relay(name, one.host, one.port, "smtp", **given) for name, one, given in both)
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=chosen, **more)

    return put


def hand_over(count: int, domain: str = "mail.example", reference: str = "issue-1") -> None:
    people = (Recipient(f"{domain}-{n}", f"reader{n}@{domain}", "main") for n in range(count))
    actions.hand_over(reference, "issue", [LETTER], people, NOON)


def copies(*relays: LoopbackRelay) -> Counter[str]:
    return Counter(taken.recipients[0] for relay in relays for taken in relay.messages)


def after(count: int, stage: str, act: Act) -> Callable[[Moment], Act | None]:
    return lambda moment: act if moment.stage == stage and moment.taken >= count else None


@pytest.mark.parametrize("stage", ["mail", "rcpt", "dot"])
def test_a_suspended_account_moves_all_mail_to_the_next_relay_at_once(first, second, use, stage):
    use(first, second)
    first.script = after(50, stage, SUSPENDED)
    hand_over(400)
    assert actions.send_batch(NOON) == SendRound(accepted=400)
    assert set(copies(first, second).values()) == {1} and 50 <= len(first.messages) <= 54
    breaker = Breaker.objects.get(about="relay first")
    assert breaker.calls and "suspended" in breaker.why and breaker.until >= NOON + timedelta(minutes=59)
    assert Attempt.objects.filter(relay="first", reason="account").count() <= 2 * 4 + 1


def test_what_a_relay_says_of_itself_outranks_how_often_it_failed(first, second, use, monkeypatch):
    """Its refusals may come in one read: by the first that is reported, the pool has given up for their number."""
    monkeypatch.setattr(pool, "MOST_STRIKES", 1)
    use(first, second)
    first.script = after(5, "dot", SUSPENDED)
    hand_over(50)
    assert actions.send_batch(NOON) == SendRound(accepted=50)
    breaker = Breaker.objects.get(about="relay first")
    assert breaker.calls and "suspended" in breaker.why


def test_a_relay_that_dies_in_mid_run_is_left_and_nobody_waits(first, second, use):
    use(first, second)
    first.script = after(50, "rcpt", Drop())
    hand_over(300)
    assert actions.send_batch(NOON) == SendRound(accepted=300)
    assert copies(first, second) == Counter(f"reader{n}@mail.example" for n in range(300))


def test_a_closed_relay_is_probed_when_its_time_is_over(first, second, use):
    use(first, second)
    first.script = after(0, "mail", SUSPENDED)
    hand_over(50)
    actions.send_batch(NOON)
    hand_over(50, reference="issue-2")
    actions.send_batch(NOON + timedelta(minutes=30))
    assert len(second.messages) == 100
    hand_over(50, reference="issue-3")
    actions.send_batch(NOON + timedelta(minutes=61))
    assert len(second.messages) == 150 and Breaker.objects.get(about="relay first").failures == 2
    first.script = None
    hand_over(50, reference="issue-4")
    actions.send_batch(NOON + timedelta(hours=4))
    assert len(first.messages) == 50 and Breaker.objects.get(about="relay first").until is None


def test_the_only_relay_suspended_keeps_every_copy(first, use):
    use(first)
    first.script = after(0, "mail", SUSPENDED)
    hand_over(50)
    with pytest.raises(NoRelay, match="suspended"):
        actions.send_batch(NOON)
    found = Counter(Delivery.objects.values_list("state", flat=True))
    assert found["deferred"] <= 2 and found["waiting"] >= 48
    with pytest.raises(NoRelay, match="suspended"):
        actions.send_batch(NOON + timedelta(minutes=10))
    first.script = None
    assert actions.send_batch(NOON + timedelta(minutes=61)).accepted == 50


def test_a_standby_is_kept_warm(first, second, use):
    use(first, second, limits=({}, {"share": 10}))
    first.script = lambda moment: Stall(0.002) if moment.stage == "dot" else None  # else it may be done too soon
    hand_over(500)
    assert actions.send_batch(NOON).accepted == 500
    assert 10 <= len(second.messages) <= 50 and set(copies(first, second).values()) == {1}


def test_a_daily_budget_is_kept_over_rounds_and_the_next_relay_takes_the_rest(first, second, use):
    use(first, second, limits=({"daily": 70}, {"daily": 50}))
    hand_over(200)
    with pytest.raises(NoRelay, match="used up"):
        actions.send_batch(NOON)
    with pytest.raises(NoRelay, match="used up"):
        actions.send_batch(NOON + timedelta(hours=1))
    assert (len(first.messages), len(second.messages)) == (70, 50)
    actions.send_batch(NOON + timedelta(days=1), stop=lambda: len(first.messages) > 70)
    assert len(first.messages) > 70


def test_an_address_beyond_ascii_waits_for_a_relay_that_takes_it(second, use):
    with LoopbackRelay(offers=[offer for offer in OFFERS if offer != "SMTPUTF8"]) as narrow:
        use(narrow, second)
        people = [Recipient("1", "jörg@mail.example", "main"), Recipient("2", "bob@mail.example", "main")]
        actions.hand_over("issue-1", "issue", [LETTER], people, NOON)
        assert actions.send_batch(NOON) == SendRound(accepted=2)
        assert copies(narrow) == {"bob@mail.example": 1} and copies(second) == {"jörg@mail.example": 1}
        assert not Breaker.objects.filter(until__isnull=False).exists()


def test_a_provider_that_puts_off_copies_in_a_row_is_left_alone_and_others_are_not(first, use):
    use(first)
    first.script = lambda moment: (
        Reply(450, "4.7.1 too much mail from you, slow down")
        if moment.stage == "rcpt" and moment.recipients[-1].endswith("@gmail.com")
        else None
    )
    hand_over(400, "gmail.com")
    hand_over(100, "mail.example", "issue-2")
    done = actions.send_batch(NOON, limit=2000)
    assert done.accepted == 100 and 10 <= done.deferred < 400
    breaker = Breaker.objects.get(about="provider gmail")
    assert breaker.until > NOON and "slow down" in breaker.why
    assert Delivery.objects.filter(provider="gmail", tries=0, next_at__gt=NOON).count() == 400 - done.deferred
    assert Tally.objects.get(provider="gmail", outcome="deferred").count == done.deferred


def test_the_pace_of_a_provider_is_kept(first, use):
    use(first, provider_rates=(("gmail", 20),))
    hand_over(100, "gmail.com")
    assert actions.send_batch(NOON, limit=1000).accepted <= 40
    later = Delivery.objects.filter(state="waiting")
    assert later.count() >= 60 and all(NOON < row.next_at <= NOON + timedelta(seconds=7) for row in later)


def test_a_held_mailing_stands_still_and_others_go(first, use):
    use(first)
    hand_over(30)
    hand_over(30, "other.example", "issue-2")
    Mailing.objects.filter(reference="issue-1").update(held_at=NOON)
    assert actions.send_batch(NOON).accepted == 30
    assert queries.progress("issue-1").waiting == 30 and queries.anything_due(NOON) == 0


def test_a_letter_refused_for_what_it_says_is_held_before_all_have_refused_it(first, use):
    use(first, limits=({"rate": 60},))
    first.script = after(0, "dot", Reply(554, "5.7.1 Message rejected as spam by content scanner"))
    hand_over(300)
    actions.send_batch(NOON, limit=1000)
    mailing = Mailing.objects.get()
    assert mailing.held_at and "refused the letter" in mailing.why
    assert queries.progress("issue-1").waiting > 100


def test_the_editor_is_called_by_the_relay_that_is_left_and_once(first, second, use):
    admin = get_user_model().objects.create_superuser("boss", "boss@paper.example")
    get_user_model().objects.create_user("ada", "ada@paper.example")
    use(first, second)
    first.script = after(10, "mail", SUSPENDED)
    hand_over(30)
    actions.send_batch(NOON)
    assert call_editors(NOON) == 1 and call_editors(NOON + timedelta(hours=2)) == 0
    assert actions.send_batch(NOON).accepted == 1
    (mail,) = second.sent_to("boss@paper.example")
    message = message_from_bytes(mail.data, policy=default)
    assert "the sending needs you (Relay first)" in message["Subject"]
    assert "Your account has been suspended" in " ".join(message.get_body(("plain",)).get_content().split())
    assert not first.sent_to("boss@paper.example") and admin.is_active
    found = [finding for finding in examine() if "relay first needs a person" in finding.what]
    assert found and found[0].level == "wrong"


def test_the_editor_is_called_when_a_letter_is_refused_for_what_it_says(first, use):
    get_user_model().objects.create_superuser("boss", "boss@paper.example")
    use(first, limits=({"rate": 60},))
    first.script = lambda moment: (
        Reply(554, "5.7.1 Message rejected as spam by content scanner")
        if moment.stage == "dot" and b"boss@" not in moment.data
        else None
    )
    hand_over(300)
    actions.send_batch(NOON, limit=1000)
    assert Mailing.objects.get().held_by == "" and call_editors(NOON) == 1
    assert actions.send_batch(NOON).accepted == 1 and first.sent_to("boss@paper.example")
