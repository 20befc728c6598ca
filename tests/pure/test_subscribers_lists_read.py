"""Lists of other programs are read row by row, whatever is wrong with them; a row's fate follows from rules."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.subscribers.lists_in import unpack
from handbill.subscribers.lists_in.own import defused, undefused
from handbill.subscribers.lists_in.plan import judge, proof
from handbill.subscribers.lists_in.read import rows
from handbill.subscribers.lists_in.records import Fate, Known, Row, State, Wanted
from handbill.subscribers.lists_in.seen import Seen
from handbill.subscribers.lists_in.times import reader_of_times
from handbill.subscribers.lists_in.unpack import ListError, tables

NOW = datetime(2026, 11, 27, tzinfo=UTC)
MAILCHIMP = "Email Address,First Name,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,{}LEID,NOTES\n"


def read(data: bytes | str, name: str = "list.csv", **wanted) -> list[Row]:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    found = rows(stream, name, Wanted(**wanted), NOW)
    return [] if found is None else [row for batch in found[1] for row in batch]


def program(header: str) -> str:
    found = rows(io.BytesIO(header.encode()), "list.csv", Wanted(), NOW)
    return found[0] if found else ""


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Email Address,First Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,TAGS", "mailchimp"),
        ("E-Mail-Adresse,Vorname,OPTIN_TIME,CONFIRM_TIME", "mailchimp"),
        ("email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at", "substack"),
        ("id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,labels", "ghost"),
        ("email,First Name,status,tier,created_at,stripe_customer_id,unsubscribed_at", "beehiiv"),
        ("uuid,email,name,attributes,status,created_at,updated_at", "listmonk"),
        ("email_address,notes,metadata,tags,type,creation_date", "buttondown"),
        ("Email,First name,Global status,Confirmed IP,Confirmed at", "mailpoet"),
        ("Email Address,Subscribed at,UTM Source", "curated"),
        ("Name;E-Mail;Stadt", "csv"),
        ("address,state,joined,confirmed,left,topics,cadence,proof", "handbill"),
        ("Name,Town", ""),
    ],
)
def test_an_export_is_known_by_its_first_line(header: str, name: str) -> None:
    assert program(header) == name


def test_mailchimps_three_files_say_who_reads_who_left_and_who_bounced() -> None:
    line = "bob@mail.example,Bob,2018-02-05 19:28:23,192.0.2.7,2018-02-06 19:28:23,192.0.2.7,{}1,x\n"
    bob = read(MAILCHIMP.format("LAST_CHANGED,") + line.format("2020-01-01 00:00:00,"))[0]
    assert (bob.state, bob.confirmed) == ("subscribed", datetime(2018, 2, 6, 19, 28, 23, tzinfo=UTC))
    left = read(MAILCHIMP.format("UNSUB_TIME,") + line.format("2020-03-01 00:00:00,"))[0]
    assert (left.state, left.ended) == ("left", datetime(2020, 3, 1, tzinfo=UTC))
    assert read(MAILCHIMP.format("CLEAN_TIME,") + line.format("2020-03-01 00:00:00,"))[0].state == "cleaned"
    never = read(MAILCHIMP.format("") + line.format(""), "nonsubscribed_members.csv")[0]
    assert never.state == "unconfirmed"
    assert "192.0.2.7" not in repr([bob, left, never])  # no network address gets further than here


@pytest.mark.parametrize(
    ("line", "state", "proven"),
    [
        (
            "substack|email,email_disabled,created_at,type|b@x.example,false,2020-01-01T00:00:00.000Z,paid",
            "subscribed",
            1,
        ),
        (
            "substack|email,email_disabled,created_at,type|b@x.example,false,2020-01-01T00:00:00.000Z,comp",
            "subscribed",
            0,
        ),
        ("substack|email,email_disabled,created_at,type|b@x.example,true,2020-01-01T00:00:00.000Z,paid", "left", 1),
        ("ghost|email,subscribed_to_emails,stripe_customer_id|b@x.example,true,", "subscribed", 0),
        ("ghost|email,subscribed_to_emails,stripe_customer_id|b@x.example,false,cus_1", "left", 1),
        ("beehiiv|email,status,tier,unsubscribed_at|b@x.example,pending,free,", "unconfirmed", 0),
        ("beehiiv|email,status,tier,unsubscribed_at|b@x.example,active,free,2024-03-13 11:33:53 UTC", "left", 0),
        ("listmonk|uuid,email,attributes,status|1,b@x.example,{},blocklisted", "left", 0),
        ("buttondown|email,subscriber_type,subscription_date|b@x.example,regular,2024-03-13", "subscribed", 1),
        ("buttondown|email,subscriber_type,subscription_date|b@x.example,complained,2024-03-13", "complaint", 1),
        ("mailpoet|email,global_status,confirmed_at|b@x.example,inactive,2024-03-13", "subscribed", 1),
        ("mailpoet|email,global_status,confirmed_at|b@x.example,bounced,", "cleaned", 0),
    ],
)
def test_each_programs_words_are_understood(line: str, state: str, proven: int) -> None:
    name, header, row = line.split("|")
    assert program(header) == name
    (found,) = read(f"{header}\n{row}\n")
    assert (found.address, found.state, found.fault) == ("b@x.example", state, "")
    assert bool(proof(found, name, "")) is bool(proven)


def test_columns_and_words_may_be_named_by_hand() -> None:
    table = "Name;Post;Wann;Stand\nBob;b@x.example;2020-01-01;dabei\nCy;c@x.example;2020-01-01;raus\n"
    assert read(table) == []
    columns = {"address": "Post", "confirmed": "Wann", "state": "Stand"}
    assert [row.fault[:8] for row in read(table, columns=columns)] == ["The word", "The word"]
    words = {"dabei": State.SUBSCRIBED, "raus": State.LEFT}
    bob, cy = read(table, columns=columns, states=words)
    assert (bob.state, bob.confirmed, cy.state) == ("subscribed", datetime(2020, 1, 1, tzinfo=UTC), "left")
    with pytest.raises(ListError, match="--column address"):
        read(table, columns={"address": "Mail"})


def test_a_bare_column_of_addresses_needs_no_first_line() -> None:
    assert [(row.number, row.address) for row in read("b@x.example\nc@x.example")] == [
        (1, "b@x.example"),
        (2, "c@x.example"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_line_ends_and_delimiters_are_found(encoding: str, end: str, delimiter: str) -> None:
    lines = [["Name", "E-Mail", "Status"], ["Ö", "jörg@x.example", "active"], ["é", "b@x.example", "unsubscribed"]]
    data = end.join(delimiter.join(line) for line in lines).encode(encoding)
    assert [(row.address, row.state) for row in read(data)] == [
        ("jörg@x.example", "subscribed"),
        ("b@x.example", "left"),
    ]


def test_excels_own_first_line_names_the_delimiter() -> None:
    assert read("sep=;\nemail;a,b,c,d,e\nb@x.example;1\n")[0].address == "b@x.example"


@pytest.mark.parametrize(
    ("broken", "addresses"),
    [
        ('b@x.example,"Bob\nBy",x', ["b@x.example"]),  # a line break in a quoted cell
        ('b@x.example,5" nails,x\nc@x.example,6" nails,x', ["b@x.example", "c@x.example"]),
        ('b@x.example,"never closed,x\nc@x.example,Cy,x', ["", "c@x.example"]),
        ("b@x.example", ["b@x.example"]),  # what isn't needed may be missing
        ("b@x.example,one,two,three", [""]),
        ("b@x.example,B\0b,x", ["b@x.example"]),
        (",,", [""]),
        ("", []),
        ("=cmd|' /C calc'!A0,x,x", ["=cmd|' /C calc'!A0"]),
    ],
)
def test_what_is_broken_is_a_fault_of_its_own_row(broken: str, addresses: list[str]) -> None:
    found = read(f"email,name,note\na@x.example,A,x\n{broken}\nz@x.example,Z,x\n" if broken else "email,name,note\n")
    if addresses:
        assert [row.address if not row.fault else "" for row in found[1:-1]] == addresses
        assert [row.number for row in found] == list(range(2, 2 + len(found)))
        assert (found[0].address, found[-1].address) == ("a@x.example", "z@x.example")


def test_a_line_and_a_quote_without_end_cost_one_row_and_no_memory() -> None:
    long = "x" * (3 * 1024 * 1024)
    found = read(f"email,name\na@x.example,A\n{long}\nb@x.example,B\n")
    assert [bool(row.fault) for row in found] == [False, True, False]
    found = read('email,name\na@x.example,A\nb@x.example,"B\n' + "c@x.example,C\n" * 1000)
    assert len(found) == 1002 and sum(row.address == "c@x.example" for row in found) == 1000


@given(st.lists(st.text(alphabet='a@x.,;"\n\r\t\0=é\u2028', max_size=30), max_size=20))
def test_whatever_a_table_holds_every_row_is_told_and_numbered_in_order(lines: list[str]) -> None:
    found = read("\n".join(["email,name", *lines]))
    assert [row.number for row in found] == list(range(2, 2 + len(found)))
    clean = [line for line in lines if not set(line) & set('"\n\r')]
    if len(clean) == len(lines):
        text = "\n".join(lines)
        assert len(found) == (len(text.split("\n")) if text and lines[-1] else max(len(lines) - 1, 0))


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2018-02-05 19:28:23", 2018),
        ("2018-08-27T15:06:27.713Z", 2018),
        ("2023-03-24 10:23:10 UTC", 2023),
        ("2021-02-04 07:55:20 +0000", 2021),
        ("2021-02-04 07:55:20 +05:30", 2021),
        ("2024-03-13", 2024),
        ("02/05/2018 19:28", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2118-09-11T12:14:56.557Z", None),
        ("x" * 30, None),
        ("", None),
    ],
)
def test_a_moment_is_read_or_is_none(text: str, year: int | None) -> None:
    found = reader_of_times(NOW)(text)
    assert (found and found.year) == year
    assert found is None or found.utcoffset() == timedelta()


class TestArchives:
    def archive(self, method: int = zipfile.ZIP_DEFLATED, **files: bytes) -> io.BytesIO:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as archive:
            for name, data in files.items():
                archive.writestr(f"{name}.csv", data)
        return made

    def test_who_left_comes_first_and_other_files_are_passed_over(self) -> None:
        made = self.archive(subscribed_members=b"email\n", unsubscribed_members=b"email\n", cleaned_members=b"email\n")
        with zipfile.ZipFile(made, "a") as archive:
            archive.writestr("posts/1.html", "<p>")
        names = [name for name, _ in tables(made, "export.zip")]
        assert names == ["cleaned_members.csv", "unsubscribed_members.csv", "subscribed_members.csv"]

    def test_a_bomb_is_not_opened(self) -> None:
        with pytest.raises(ListError, match="far more"):
            next(tables(self.archive(a=bytes(20 * 1024 * 1024)), "a.zip"))

    def test_many_small_bombs_and_bytes_that_entries_share_are_one_bomb(self) -> None:
        many = self.archive(**{f"t{number}": bytes(1024 * 1024) for number in range(4)})
        with pytest.raises(ListError, match="far more"):
            next(tables(many, "a.zip"))
        rows = random.Random(3).randbytes(700_000).hex().encode() + b"x" * 30_000_000  # 43 times what it is packed
        list(tables(self.archive(a=rows), "a.zip"))
        with pytest.raises(ListError, match="far more"):
            next(tables(self.shared(rows, 3), "a.zip"))

    def shared(self, data: bytes, times: int) -> io.BytesIO:
        """An archive whose directory names the same bytes again and again, as overlapping bombs do."""
        whole = self.archive(a=data).getvalue()
        at, end = whole.rfind(b"PK\1\2"), whole.rfind(b"PK\5\6")
        directory = whole[at:end] * times
        tail = bytearray(whole[end:])
        tail[8:16] = times.to_bytes(2, "little") * 2 + len(directory).to_bytes(4, "little")
        return io.BytesIO(whole[:at] + directory + bytes(tail))

    def test_more_entries_than_are_told_are_counted(self, monkeypatch) -> None:
        made = self.archive(**{f"t{number}": b"" for number in range(9)}).getvalue()
        end = made.rfind(b"PK\5\6")
        monkeypatch.setattr(unpack, "MOST_ENTRIES", 8)
        told = bytearray(made)
        told[end + 8 : end + 12] = b"\1\0\1\0"  # "one entry"
        marked = bytearray(told)
        marked[end + 16 : end + 20] = b"PK\5\6"  # looks like a second end within the first
        for data in (told, marked, self.of_64_bits(told)):
            with pytest.raises(ListError, match="more than 8 files"):
                next(tables(io.BytesIO(data), "a.zip"))
        monkeypatch.setattr(unpack, "MOST_ENTRIES", 9)
        assert len(list(tables(io.BytesIO(self.of_64_bits(told)), "a.zip"))) == 9
        monkeypatch.setattr(unpack, "MOST_DIRECTORY", 100)
        with pytest.raises(ListError, match="directory is too large"):
            next(tables(io.BytesIO(self.of_64_bits(told)), "a.zip"))

    def of_64_bits(self, data: bytes) -> bytes:
        """The same archive with the true size of its directory in a ZIP64 record, and none in the usual place."""
        end = data.rfind(b"PK\5\6")
        tail, number = bytearray(data[end:]), lambda value: value.to_bytes(8, "little")
        size, offset = int.from_bytes(tail[12:16], "little"), int.from_bytes(tail[16:20], "little")
        tail[12:16] = bytes(4)
        record = b"PK\6\6" + number(44) + b"-\0-\0" + bytes(8) + number(1) * 2 + number(size) + number(offset)
        return bytes(data[:end]) + record + b"PK\6\7" + bytes(4) + number(end) + b"\1\0\0\0" + bytes(tail)

    def test_a_size_that_is_a_lie_is_found_out(self) -> None:
        data = bytearray(self.archive(a=b"email\n" + b"b@x.example\n" * 1000).getvalue())
        at = data.rfind(b"PK\1\2")
        data[at + 24 : at + 28] = (5).to_bytes(4, "little")  # the directory says five bytes
        with pytest.raises(ListError, match="damaged"):
            for _, stream in tables(io.BytesIO(data), "a.zip"):
                stream.read(1024)

    def test_too_many_files_and_too_much_of_them_are_refused(self, monkeypatch) -> None:
        monkeypatch.setattr(unpack, "MOST_ENTRIES", 2)
        with pytest.raises(ListError, match="more than 2 files"):
            next(tables(self.archive(a=b"", b=b"", c=b""), "a.zip"))
        monkeypatch.setattr(unpack, "MOST_BYTES", 10)
        with pytest.raises(ListError, match="4 GiB"):
            next(tables(self.archive(a=b"x" * 11), "a.zip"))

    @pytest.mark.parametrize("cut", [3, 40, 200])
    def test_a_damaged_one_is_told(self, cut: int) -> None:
        whole = self.archive(a=b"email\n" + b"b@x.example\n" * 3000).getvalue()
        with pytest.raises(ListError):
            for _, stream in tables(io.BytesIO(whole[:-cut]), "a.zip"):
                while stream.read(1024):
                    pass
        with pytest.raises(ListError, match=r"no \.csv"):
            next(tables(self.archive(), "a.zip"))


BOB = Row(2, "bob@x.example", joined=datetime(2020, 1, 1, tzinfo=UTC))
THEN = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("barred", ["left", "cleaned", "complaint", "erased", "silent", "suppressed"])
@pytest.mark.parametrize("proven", [True, False])
def test_nobody_who_left_comes_back(barred: str, proven: bool) -> None:
    assert judge(BOB, Known(barred=barred), proven, False, True).fate is Fate.KEPT_OUT
    assert judge(BOB, Known(True, THEN, reading=False), proven, False, True).fate is Fate.KEPT_OUT


@pytest.mark.parametrize(
    ("row", "known", "proven", "fate"),
    [
        (BOB, Known(), True, Fate.BEGINS),
        (BOB, Known(), False, Fate.HELD),
        (BOB, Known(True), True, Fate.BEGINS),  # held until now
        (BOB, Known(True), False, Fate.KNOWN),
        (BOB, Known(True, THEN, reading=True), True, Fate.KNOWN),
        (BOB._replace(state=State.UNCONFIRMED), Known(), True, Fate.REFUSED),
        (BOB._replace(state=State.LEFT), Known(), True, Fate.LEFT),
        (BOB._replace(state=State.CLEANED), Known(), True, Fate.CLEANED),
        (BOB._replace(state=State.COMPLAINT), Known(), True, Fate.CLEANED),
        (BOB._replace(state=State.LEFT), Known(True, THEN, True), True, Fate.KNOWN),  # their own word here
        (BOB._replace(state=State.LEFT), Known(True, THEN, True, imported=True), True, Fate.LEFT),
        (BOB._replace(state=State.LEFT, ended=THEN), Known(True, THEN, True), True, Fate.LEFT),
        (BOB._replace(state=State.LEFT, ended=BOB.joined), Known(True, THEN, True, True), True, Fate.KNOWN),
        (BOB, Known(barred="canary"), True, Fate.REFUSED),
    ],
)
def test_a_rows_fate_follows_from_what_is_known(row: Row, known: Known, proven: bool, fate: Fate) -> None:
    assert judge(row, known, proven, False, True).fate is fate


def test_the_second_row_of_an_address_counts_only_if_it_leaves() -> None:
    assert judge(BOB, Known(), True, True, True).fate is Fate.REPEATED
    assert judge(BOB._replace(state=State.LEFT), Known(True, THEN, True), True, True, True).fate is Fate.LEFT


def test_a_proof_is_a_time_of_confirming_or_signing_up_a_payment_or_an_editors_word() -> None:
    assert proof(BOB, "ghost", "") is None
    assert proof(BOB._replace(confirmed=THEN), "mailchimp", "") == (
        THEN,
        "mailchimp: confirmed 2021-01-01 00:00 UTC; joined 2020-01-01 00:00 UTC",
    )
    assert proof(BOB._replace(opted_in=THEN), "curated", "")[1] == "curated: signed up 2021-01-01 00:00 UTC"
    assert proof(BOB._replace(paid=True), "ghost", "")[1].startswith("ghost: a paid subscription")
    assert proof(BOB, "ghost", "asked at our fair")[1].startswith("ghost: asked at our fair")


@given(st.text(max_size=20))
def test_a_cell_taken_out_runs_nowhere_and_comes_back_the_same(text: str) -> None:
    assert not defused(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert undefused(defused(text)) == text


@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=12))
def test_what_was_seen_is_known_as_a_set_would_know_it(batches: list[list[int]]) -> None:
    seen, model = Seen(), set()
    for batch in batches:
        expected = []
        for number in batch:
            expected.append(number in model)
            model.add(number)
        assert seen.add([f"{number:016x}" + "0" * 48 for number in batch]) == expected
