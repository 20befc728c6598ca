"""Lists come in and go out: what becomes of each person, on both databases, however often and in whatever order."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from test_subscribers_room import BOB, CY, begin

from handbill.delivery.actions import suppress
from handbill.delivery.address import address_hash
from handbill.delivery.models import Body, Delivery, Mailing
from handbill.kit.errors import GiveUp
from handbill.subscribers import actions, lists_out, queries
from handbill.subscribers.lists_in import asking
from handbill.subscribers.lists_in.actions import bring_in
from handbill.subscribers.lists_in.records import Brought, Wanted
from handbill.subscribers.lists_in.unpack import ListError
from handbill.subscribers.models import Consent, Export, Former, Import, Subscriber, Subscription
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HEADER = "email,status,confirmed_at,created_at,unsubscribed_at\n"


def bring(table: str | bytes, *, dry: bool = False, name: str = "list.csv", when: datetime = NOW, **wanted) -> Brought:
    data = io.BytesIO(table.encode() if isinstance(table, str) else table)
    return bring_in(data, name, Wanted(**wanted), "Ada", when, dry=dry)


def reading() -> set[str]:
    return {reader.address for reader in queries.readers(NOW)}


def everything() -> list[list[tuple]]:
    """Every row of the room but its random ids, to compare two states."""
    people = Subscriber.objects.order_by("address_hash")
    fields = ("address_hash", "created_at", "confirmed_at", "audience", "cadence", "hour", "zone", "asked_at")
    consents = Consent.objects.order_by("subscriber__address_hash", "pk").values_list("how", "at", "proof", "wording")
    running = Subscription.objects.order_by("subscriber__address_hash", "topic_id")
    return [
        list(people.values_list(*fields)),
        list(consents),
        list(running.values_list("topic_id", "started_at", "ended_at", "end_reason")),
        list(Former.objects.order_by("address_hash").values_list("address_hash", "at", "reason")),
    ]


TABLE = HEADER + (
    "proven@mail.example,active,2020-01-02 03:04:05,2020-01-01,\n"
    "unproven@mail.example,active,,2020-01-01,\n"
    "gone@mail.example,unsubscribed,2020-01-02,2020-01-01,2021-01-01\n"
    "bounced@mail.example,bounced,2020-01-02,,\n"
    "pending@mail.example,pending,,,\n"
    "PROVEN@mail.example,active,2020-01-02,,\n"
    "postmaster@mail.example,active,2020-01-02,,\n"
    "no address,active,2020-01-02,,\n"
    ",,,,\n"
)
FATES = {"begins": 1, "held": 1, "left": 1, "cleaned": 1, "repeated": 1, "refused": 3, "empty": 1}


def test_each_row_has_its_fate_and_each_person_what_follows() -> None:
    assert bring(TABLE, dry=True).fates == FATES
    assert not Subscriber.objects.exists() and not Former.objects.exists() and not Import.objects.exists()
    done = bring(TABLE)
    assert done.fates == FATES == Import.objects.get().counts and done.rows == 9
    assert reading() == {"proven@mail.example"}
    assert queries.audiences(NOW) == {frozenset(): 1}
    proven = Subscriber.objects.get(confirmed_at__isnull=False)
    assert proven.confirmed_at == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC) and proven.brought_by is not None
    evidence = Consent.objects.get(subscriber=proven)
    assert (evidence.how, evidence.at) == ("imported", proven.confirmed_at)
    assert evidence.proof == "csv: confirmed 2020-01-02 03:04 UTC; joined 2020-01-01 00:00 UTC"
    assert Consent.objects.get(how="held").proof == "csv: no proof of consent; joined 2020-01-01 00:00 UTC"
    former = dict(Former.objects.values_list("address_hash", "reason"))
    assert former == {address_hash("gone@mail.example"): "left", address_hash("bounced@mail.example"): "cleaned"}


def test_a_second_run_changes_nothing() -> None:
    bring(TABLE)
    before = everything()
    again = bring(TABLE, when=NOW + timedelta(days=1)).fates
    assert again == {"known": 2, "left": 1, "cleaned": 1, "repeated": 1, "refused": 3, "empty": 1}
    assert everything() == before and Import.objects.count() == 1


def test_nobody_who_left_bounced_or_was_erased_is_revived() -> None:
    token = begin(BOB)
    actions.leave(token, NOW)
    suppress("dee@mail.example", "gone", NOW)
    Former.objects.create(address_hash=address_hash("erased@mail.example"), at=NOW, reason="erased")
    people = (BOB, BOB.upper(), "dee@mail.example", "erased@mail.example")
    rows = "".join(f"{one},active,2030-01-01,,\n{one},active,2026-01-01,,\n" for one in people)
    done = bring(HEADER + rows, proof="all")
    assert done.fates == {"kept out": 3, "repeated": 5} and reading() == set()


def test_leaving_wins_whichever_row_comes_first() -> None:
    row = "{0}@mail.example,active,2020-01-02,,\n", "{0}@mail.example,unsubscribed,2020-01-02,,2019-01-01\n"
    bring(HEADER + row[0].format("one") + row[1].format("one") + row[1].format("two") + row[0].format("two"))
    assert reading() == set() and Former.objects.count() == 2
    bring(HEADER + row[0].format("late"))
    assert reading() == {"late@mail.example"}
    assert bring(HEADER + "late@mail.example,unsubscribed,,,2022-01-01\n").ended == 1
    assert reading() == set() and Subscription.objects.get().end_reason == "reader"


def test_who_confirmed_here_stays_when_an_older_list_says_they_left() -> None:
    begin(BOB)
    assert bring(HEADER + f"{BOB},unsubscribed,,,2021-01-01\n").fates == {"known": 1}
    assert reading() == {BOB} and not Former.objects.exists()


def test_those_who_are_held_read_once_there_is_a_proof() -> None:
    table = HEADER + "held@mail.example,active,,2020-01-01,\n"
    bring(table)
    assert reading() == set()
    assert bring(table, proof="asked in writing at our fair").fates == {"begins": 1}
    assert reading() == {"held@mail.example"}
    assert list(Consent.objects.order_by("pk").values_list("how", flat=True)) == ["held", "imported"]
    assert "our fair" in Consent.objects.get(how="imported").proof


def test_topics_are_this_papers_own_or_the_row_is_refused() -> None:
    river = Topic.objects.create(name="The River", slug="river")
    rows = "a@x.example,2020-01-01,the river;Sport\nb@x.example,2020-01-01,Sport\nc@x.example,2020-01-01,\n"
    done = bring("email,confirmed,lists\n" + rows, columns={"topics": "lists"})
    assert done.fates == {"begins": 2, "refused": 1}
    assert queries.audiences(NOW) == {frozenset({river.pk}): 1, frozenset(): 1}


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(monkeypatch) -> None:
    from handbill.subscribers.lists_in import actions as bringing
    from handbill.subscribers.lists_in import lines

    states = ["unsubscribed", *["active"] * 6]
    table = HEADER + "".join(f"r{n}@mail.example,{states[n % 7]},2020-01-02,,\n" for n in range(500))
    table += "".join(f"h{n}@mail.example,active,,,\nr{n}@mail.example,active,2020-01-02,,\n" for n in range(100))
    monkeypatch.setattr(lines, "BATCH", 50)
    monkeypatch.setattr(lines, "CHUNK", 2000)
    whole = bring(table).fates
    expected = everything()
    for model in (Consent, Subscription, Subscriber, Former, Import):
        model.objects.all().delete()
    settle, batches = bringing._settle, iter(range(6))

    def cut(*given):
        if next(batches, None) is None:
            raise KeyboardInterrupt
        return settle(*given)

    monkeypatch.setattr(bringing, "_settle", cut)
    with pytest.raises(KeyboardInterrupt):
        bring(table)
    assert 0 < Subscriber.objects.count() < 500
    monkeypatch.setattr(bringing, "_settle", settle)
    assert bring(table).fates == whole == Import.objects.get().counts
    assert everything() == expected


def test_a_file_without_addresses_is_told_and_leaves_no_trace() -> None:
    with pytest.raises(ListError, match="--column address"):
        bring("Name,Town\nBob,X\n")
    with pytest.raises(ListError, match="import wordpress"):
        bring('<?xml version="1.0"?><rss/>')
    assert not Import.objects.exists()


EXPECTED = {
    "beehiiv-members.csv": {"begins": 1, "held": 4, "left": 3, "refused": 1},
    "curated-subscribers.csv": {"begins": 18, "refused": 2},
    "mailchimp-cleaned.csv": {"cleaned": 5},
    "mailchimp-subscribed.csv": {"begins": 5},
    "mailchimp-unsubscribed.csv": {"left": 5},
    "substack-signup-emails.csv": {"held": 19, "left": 2},
    "substack-subscriber-emails.csv": {"begins": 8, "held": 7, "left": 2},
    "tinynews-subs.csv": {"held": 2, "left": 1},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_export_comes_in(corpus: Path, name: str) -> None:
    done = bring((corpus / "lists" / name).read_bytes(), name=name)
    assert done.fates == EXPECTED[name]


def test_every_real_list_is_read_or_told_what_it_is(corpus: Path) -> None:
    for path in sorted((corpus / "lists").glob("*.*")):
        if path.suffix == ".csv":
            assert bring(path.read_bytes(), name=path.name).rows == len(path.read_text().rstrip().splitlines()) - 1
        else:
            with pytest.raises(ListError, match="import wordpress"):
                bring(path.read_bytes(), name=path.name)


class TestAskingAgain:
    def held(self, count: int) -> None:
        bring(HEADER + "".join(f"h{n}@mail.example,active,,2020-01-01,\n" for n in range(count)))

    def test_those_who_are_held_are_asked_once_over_days_and_may_say_yes(self) -> None:
        self.held(5)
        assert asking.ask_held(NOW) == 0  # nobody said to
        assert (asking.begin_asking(2, NOW, dry=True), asking.ask_held(NOW)) == (asking.AskingPlan(5, 3), 0)
        asking.begin_asking(2, NOW)
        days = [asking.ask_held(NOW + timedelta(hours=hour)) for hour in (0, 1, 25, 50, 75)]
        assert days == [2, 0, 2, 1, 0]
        assert Mailing.objects.filter(reference__startswith="again:").count() == 5 == Delivery.objects.count()
        text = Body.objects.last().text
        token = text.split("/confirm/")[1].split("/")[0]
        actions.confirm(token, NOW + timedelta(hours=51))
        assert len(list(queries.readers(NOW))) == 1

    def test_who_is_kept_is_forgotten_after_ninety_days_and_not_asked_twice(self) -> None:
        self.held(3)
        actions.forget_unconfirmed(NOW + timedelta(days=30))
        assert Subscriber.objects.count() == 3
        asking.begin_asking(2, NOW)
        asking.ask_held(NOW)
        assert asking.forget_held(NOW + timedelta(days=89)) == 0
        assert asking.forget_held(NOW + timedelta(days=90)) == 3
        assert set(Former.objects.values_list("reason", flat=True)) == {"silent"} and Former.objects.count() == 2
        done = bring(HEADER + "".join(f"h{n}@mail.example,active,,2020-01-01,\n" for n in range(3)))
        assert done.fates == {"kept out": 2, "held": 1}

    def test_asking_more_slowly_than_they_are_kept_is_refused(self) -> None:
        self.held(100)
        with pytest.raises(GiveUp, match="Ask more a day"):
            asking.begin_asking(1, NOW)


def out(kind: str = "csv", by: str = "Ada") -> str:
    written = io.StringIO()
    lists_out.take_out(written, kind, by, NOW)
    return written.getvalue()


def forget_all() -> None:
    for model in (Consent, Subscription, Subscriber, Former, Import):
        model.objects.all().delete()


def without_mark(text: str) -> list[str]:
    return sorted(line for line in text.splitlines() if "@paper.example" not in line)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_is_taken_out_comes_in_the_same(kind: str) -> None:
    river = Topic.objects.create(name="River", slug="river")
    rows = "+a@x.example,2020-01-01,river\nb@x.example,2020-01-01,\nheld@x.example,,\nc@x.example,2020-01-01,\n"
    bring("email,confirmed,topics\n" + rows, columns={"topics": "topics"})
    person = Subscriber.objects.get(address_hash=address_hash("b@x.example"))
    person.cadence, person.weekday, person.hour, person.zone, person.plain = "weekly", 3, 9, "Asia/Tokyo", True
    person.paused_until = NOW + timedelta(days=3)
    roads = Topic.objects.create(name="Roads", slug="roads")
    person.leading = f"{roads.pk},{river.pk}"
    person.save()
    first = out(kind)
    assert ("roads;river" if kind == "csv" else '["roads", "river"]') in first
    forget_all()
    done = bring(first)
    assert done.kind == "handbill" and done.fates == {"begins": 3, "held": 1, "refused": 1}  # the mark
    assert without_mark(out(kind)) == without_mark(first)


def test_who_left_is_taken_out_as_such_and_comes_in_kept_out() -> None:
    actions.leave(begin(BOB), NOW)
    text = out()
    assert f"{BOB},left," in text
    forget_all()
    assert bring(text).fates == {"left": 1, "refused": 1}


def test_a_cell_that_a_spreadsheet_would_run_is_defused() -> None:
    bring('email,proof\n+a@x.example,"=HYPERLINK(""http://evil.example"")"\n', columns={"proof": "proof"}, proof="x")
    text = out()
    assert "'+a@x.example" in text and ",=HYPER" not in text and "\n+a" not in text


def test_each_time_is_recorded_told_to_the_other_admins_and_marked() -> None:
    for name, group in (("ada", "Admins"), ("eve", "Admins"), ("ed", "Editors")):
        user = get_user_model().objects.create_user(name, email=f"{name}@desk.example")
        user.groups.add(Group.objects.get(name=group))
    begin(BOB)
    Delivery.objects.all().delete()
    first, second = out(by="ada@desk.example"), out(by="ada@desk.example")
    assert Delivery.objects.count() == 2  # Eve's alone
    assert set(Delivery.objects.values_list("address_hash", flat=True)) == {address_hash("eve@desk.example")}
    assert "ada@desk.example" in Body.objects.last().text
    marks = [re.search(r"^[a-z.]+@paper\.example", text, re.MULTILINE)[0] for text in (first, second)]
    assert marks[0] != marks[1]
    found = [lists_out.export_marked(mark) for mark in marks]
    assert [export and (export.by, export.rows) for export in found] == [("ada@desk.example", 1)] * 2
    assert found == list(Export.objects.order_by("pk")) and lists_out.export_marked(BOB) is None
    assert Counter(line.split(",")[1] for line in first.splitlines()[1:]) == {"reading": 2}


def test_a_topic_that_is_new_since_it_began_is_written(monkeypatch) -> None:
    monkeypatch.setattr(lists_out, "CHUNK", 1)
    tokens = {str(queries.reader_id(token)): token for token in (begin(BOB), begin(CY))}
    people = lists_out._people()
    next(people)
    Topic.objects.create(name="Floods", slug="floods")
    last = Subscriber.objects.order_by("-pk")[0]
    actions.choose(tokens[str(last.pk)], ["floods"], NOW)
    assert [one["topics"] for one in people] == [["floods"]]


def test_no_list_leaves_unrecorded_when_writing_fails() -> None:
    begin(BOB)

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("no space")

    with pytest.raises(OSError):
        lists_out.take_out(Full(), "csv", "Ada", NOW)
    assert Export.objects.count() == 1


def test_no_address_stands_in_the_clear_anywhere() -> None:
    bring(TABLE)
    text = json.dumps(everything(), default=str) + repr(list(Import.objects.values()))
    assert "mail.example" not in text
