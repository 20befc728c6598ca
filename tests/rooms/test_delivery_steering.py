"""Mailings are held, sent on and stopped, relays switched, and what providers did is told without addresses."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from handbill.delivery import actions, queries
from handbill.delivery.engine.outcome import Outcome
from handbill.delivery.journal import Journal, Tried
from handbill.delivery.models import Breaker, Mailing
from handbill.delivery.records import LetterBody, Recipient
from handbill.delivery.relays import Ways
from handbill.kit import clock
from handbill.ops.cli import cli
from handbill.ops.commands import delivery as commands  # noqa: F401 - makes them known

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
pytestmark = pytest.mark.django_db


def hand_over(domains: list[str], now: datetime = NOON) -> None:
    people = [Recipient(f"{n}", f"reader{n}@{domain}", "main") for n, domain in enumerate(domains)]
    actions.hand_over("issue-1", "issue", [LETTER], people, now)


def test_a_held_mailing_waits_and_goes_on():
    hand_over(["mail.example"] * 3)
    assert actions.hold("issue-1", "A wrong headline", NOON) and not actions.hold("issue-1", "Again", NOON)
    assert Journal().claim(NOON, 60, 10) == [] and queries.anything_due(NOON) == 0
    assert Mailing.objects.get().why == "A wrong headline"
    assert actions.go_on("issue-1", NOON) and not actions.go_on("issue-1", NOON)
    assert len(Journal().claim(NOON, 60, 10)) == 3


def test_a_stopped_mailing_sends_nothing_more_but_what_is_in_hand():
    hand_over(["mail.example"] * 1005)
    journal = Journal()
    rows = journal.claim(NOON, 60, 4)
    assert actions.stop("issue-1", "A wrong headline", NOON) == 1001
    journal.write([Tried(row, Outcome("accepted", 250, "2.0.0 Taken"), "main") for row in rows[:2]], NOON)
    journal.give_back(rows[2:])
    found = queries.progress("issue-1")
    assert (found.accepted, found.suppressed, found.waiting) == (2, 1001, 2)
    assert not queries.is_anything_due(NOON + timedelta(days=1))


def test_a_relay_is_switched_off_and_on_whatever_trouble_it_gave():
    fit = lambda: [lane.relay.name for lane in Ways.load(NOON).fit(NOON)]  # noqa: E731
    (name,) = fit()
    ways = Ways.load(NOON)
    ways.open(f"relay {name}", "account", "Suspended.", NOON)
    ways.save()
    assert fit() == [] and "Suspended." in Ways.load(NOON).sentence(NOON)
    actions.switch_relay(name, NOON, on=True)
    assert fit() == [name]
    actions.switch_relay(name, NOON, on=False)
    ways.open(f"relay {name}", "", "Trouble.", NOON)
    ways.save()
    assert fit() == [] and Breaker.objects.get().off
    assert "switched off" in Ways.load(NOON).sentence(NOON)


def test_the_report_tells_what_providers_did_and_names_nobody(monkeypatch):
    monkeypatch.setattr("handbill.ops.cli.open_newsroom", lambda home: None)
    hand_over(["gmail.com", "gmail.com", "web.de", "mail.example"], clock.now())
    journal = Journal()
    rows = {row.recipient: row for row in journal.claim(clock.now(), 60, 10)}
    outcomes = {"0": Outcome("accepted", 250, "Ok"), "1": Outcome("accepted", 250, "Ok"), "3": Outcome("accepted", 250)}
    outcomes["2"] = Outcome("deferred", 450, "reader2 slow down", "rate")
    for recipient, outcome in outcomes.items():
        journal.write([Tried(rows[recipient], outcome, "main")], clock.now())
    told = [(one.provider, one.relay, one.outcome, one.reason, one.count) for one in queries.provider_report(date.min)]
    assert told == [
        ("other", "main", "accepted", "", 1),
        ("gmail", "main", "accepted", "", 2),
        ("gmx", "main", "deferred", "rate", 1),
    ]
    done = CliRunner().invoke(cli, ["delivery", "report"])
    assert done.exit_code == 0, done.output
    text = done.stdout
    assert [row["count"] for row in csv.DictReader(io.StringIO(text))] == ["1", "2", "1"]
    as_json = CliRunner().invoke(cli, ["delivery", "report", "--json"]).stdout
    assert len(json.loads(as_json)["rows"]) == 3 and "reader" not in text + as_json
