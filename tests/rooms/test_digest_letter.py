"""The letter's design as the command and the doctor see it, and what the settings bring into a letter."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner
from django.conf import settings

from handbill.digest import letters
from handbill.digest.letters import Known
from handbill.digest.records import Cut, Draft, DryIssue, DryLetter, DryRun, LetterArticle, ReadingList
from handbill.ops import doctor, steps
from handbill.ops.cli import cli
from handbill.ops.commands import letter  # noqa: F401

ONE = LetterArticle("A headline", "An excerpt.", "https://paper.example/article/one/")


@pytest.fixture
def home(tmp_path, monkeypatch):
    own = replace(settings.HANDBILL, home=tmp_path, other_addresses=("http://paper7xk.onion",))
    monkeypatch.setattr(settings, "HANDBILL", own)
    monkeypatch.setattr("handbill.ops.cli.open_newsroom", lambda home: None)
    return tmp_path


def run(*arguments):
    answer = CliRunner().invoke(cli, ["--json", "design", *arguments])
    return answer.exit_code, json.loads(answer.stdout)


def test_the_command_copies_the_design_and_checks_it(home):
    assert run() == (0, {"folder": str(home / "letter"), "written": [], "troubles": []})
    code, told = run("--copy")
    assert code == 0 and len(told["written"]) == 6 and told["troubles"] == []
    mine = home / "letter" / "item.html"
    mine.write_text(mine.read_text().replace("{{ headline }}", "{{ headline|safe }}"))
    code, told = run("--copy")
    assert (code, told["written"]) == (1, [])
    assert [(one["file"], one["line"]) for one in told["troubles"]] == [("item.html", 4)]
    assert [finding.what[:28] for finding in doctor._letter(settings.HANDBILL)] == ["letter/item.html, line 4: In"]


def test_a_letter_has_the_newsrooms_design_other_addresses_and_the_way_to_pause(home):
    run("--copy")
    page = home / "letter" / "page.html"
    page.write_text(page.read_text().replace("{{ why }}", "{{ why }} Our own words."))
    composed = letters.compose_letter(Draft(ReadingList((1,)), "en"), Known({1: ONE}, {}, {}), date(2026, 11, 22))
    assert "Our own words." in composed.html
    for part in (composed.html, composed.text):
        assert "http://paper7xk.onion" in part and "/pause/HANDBILL-READER-TOKEN/" in part


def test_the_dry_run_says_what_a_letter_has_no_room_for():
    cuts = (Cut(0, "headline"), Cut(0, "excerpt"), Cut(1, "excerpt"), Cut(2, "headline only"), Cut(3, "left out"))
    one = DryLetter("A headline", 4, 7, ("A headline",), ("the whole paper",), 39_000, cuts=cuts)
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    issue = DryIssue(date(2026, 11, 22), "daily", moment, moment, 4, 7, 0, (one,))
    data, text = steps.describe(DryRun(date(2026, 11, 22), (issue,)))
    assert data["letters"][0]["cuts"][-1] == {"place": 3, "what": "left out"}
    assert "(too long: 1 headline shortened, 2 excerpts shortened, 1 as a headline only, 1 left out)" in text
    assert (
        "too long"
        not in steps.describe(DryRun(date(2026, 11, 22), (replace(issue, letters=(replace(one, cuts=()),)),)))[1]
    )
