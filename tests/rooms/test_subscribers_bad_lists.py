"""Lists that are wrong in every way: each row is told once, in its place, with its reason, and nothing else happens."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from handbill.delivery.address import address_hash
from handbill.subscribers import queries
from handbill.subscribers.lists_in.actions import bring_in
from handbill.subscribers.lists_in.records import Row, Verdict, Wanted
from handbill.subscribers.lists_in.unpack import ListError
from handbill.subscribers.models import Former, Import, Subscriber

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PROVEN = ",2020-01-02,active"
TAKEN = {
    "björn@readers.example": "björn@readers.example",
    "bob@bücher.example": "bob@xn--bcher-kva.example",
    "用户@例子.example": "用户@xn--fsqu00a.example",
    "o'bob+x@readers.example": "o'bob+x@readers.example",
    "  b.64." + "a" * 59 + "@readers.example ": "b.64." + "a" * 59 + "@readers.example",
}
REFUSED = (
    *("bob", "bob@", "@readers.example", "bob@localhost", "bob@readers.example.", "bob.@readers.example"),
    *("a" * 65 + "@readers.example", "é" * 33 + "@readers.example", "bob@" + "a" * 64 + ".example"),
    *("bob@" + "abc." * 70 + "example", '"""bob b""@readers.example"', '"""bob""@readers.example"'),
    *("bob(comment)@readers.example", "bob@[192.0.2.1]", "Bob <bob@readers.example>", "bob..b@readers.example"),
    *('"bob@readers.example\nBcc: cy@readers.example"', '"bob@readers.example\r\n\r\nBuy"', "bob\0@readers.example"),
    *("bob@readers.example\0", "\0", "bob\u202e@readers.example", "bob\u200b@readers.example", "\ufeffbob@x.example"),
    *("=1+1", "=cmd|'/C calc'!A0", '"=HYPERLINK(""http://evil.example"")"', "@SUM(1)@x", "+1", "-1+cmd@", "\tbob"),
    *("postmaster@readers.example", "no-reply@readers.example", "bob@readers.example;cy@readers.example"),
)


def bring(data: bytes, *, dry: bool = False, name: str = "list.csv") -> tuple[list[tuple[Row, Verdict]], Counter[str]]:
    told: list[tuple[Row, Verdict]] = []
    done = bring_in(io.BytesIO(data), name, Wanted(), "Ada", NOW, dry=dry, tell=lambda _, rows: told.extend(rows))
    assert Counter(verdict.fate.value for _, verdict in told) == Counter(done.fates) and done.rows == len(told)
    return told, Counter(done.fates)


def check_each_row_is_told_in_order(told: list[tuple[Row, Verdict]]) -> None:
    assert [row.number for row, _ in told] == list(range(told[0][0].number, told[0][0].number + len(told)))
    for row, verdict in told:
        assert verdict.fate == "begins" or verdict.reason.endswith("."), row.number
        assert len(row.address) < 4 or row.address not in verdict.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_bad_address_is_refused_with_a_reason_and_the_good_ones_begin(encoding: str) -> None:
    cells = [*TAKEN, *REFUSED, "last@readers.example"]
    table = "email,confirmed,status\n" + "".join(f"{cell}{PROVEN}\n" for cell in cells)
    told, fates = bring(table.encode(encoding))
    check_each_row_is_told_in_order(told)
    assert len(told) == len(cells) and fates == {"begins": len(TAKEN) + 1, "refused": len(REFUSED)}
    assert [verdict.fate.value for _, verdict in told] == ["begins"] * len(TAKEN) + ["refused"] * len(REFUSED) + [
        "begins"
    ]
    assert {reader.address for reader in queries.readers(NOW)} == {*TAKEN.values(), "last@readers.example"}


def test_each_encoding_a_list_may_mix_is_read_and_half_a_row_is_refused() -> None:
    rows = [
        b"email,name,confirmed,status",
        "a@x.example,Jürgen,2020-01-02,active".encode(),
        "b@x.example,Jürgen,2020-01-02,active".encode("cp1252"),
        "c@x.example,Дима,2020-01-02,active".encode("cp1251"),
        b"d@x.example,\xff\xfe\x00\x81,2020-01-02,active",
        "jürgen@x.example,,2020-01-02,active".encode("cp1252"),
        b"e@x.example,Eve,2020-0",
    ]
    told, fates = bring(b"\n".join(rows))
    check_each_row_is_told_in_order(told)
    assert fates == {"begins": 5, "refused": 1} and told[-1][1].reason.startswith("The row has fewer")
    hashes = set(Subscriber.objects.values_list("address_hash", flat=True))
    assert address_hash("jürgen@x.example") in hashes


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_file_that_ends_in_the_middle_has_all_its_whole_rows(cut: int) -> None:
    whole = b"email,name,confirmed\n" + b"".join(b'r%d@x.example,"Bo, ""B""",2020-01-02\n' % n for n in range(40))
    told, fates = bring(whole[:-cut])
    check_each_row_is_told_in_order(told)
    assert len(told) in (39, 40) and fates["begins"] >= 39


CELLS = st.sampled_from(
    (
        *(b"a@x.example", b"b@x.example", b"A@X.example", b"=1+1", b"\0", b"\xff\xfe", "é@x.example".encode()),
        *(b'"', b'"a@x.example"', b'"c@x.example\n"', b"", b",", b",,,,", b"2020-01-02", b"unsubscribed", b"bounced"),
        *(b"active", b"pending", b"what?", b"a@x.example\r", b"x" * 300, "\u2028".encode(), b"a(b)@x.example."),
    )
)


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, max_size=5).map(b",".join), max_size=12), st.booleans())
def test_whatever_a_file_holds_each_row_has_one_fate_and_a_dry_run_says_the_same(lines: list[bytes], dry: bool) -> None:
    for model in (Subscriber, Former):
        model.objects.all().delete()
    data = b"\n".join([b"email,confirmed,status", *lines])
    foretold, fates = bring(data, dry=True)
    assert not Subscriber.objects.exists() and not Former.objects.exists()
    told, done = bring(data)
    assert (told, done) == (foretold, fates)
    if told:
        check_each_row_is_told_in_order(told)
    reading = len(list(queries.readers(NOW)))
    assert reading <= done["begins"] and Subscriber.objects.count() <= done["begins"] + done["held"]


def test_a_bomb_changes_nothing_and_leaves_no_trace() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"email,confirmed\n" + b"a@x.example,2020-01-02\n" * 200_000)
    with pytest.raises(ListError, match="far more"):
        bring(made.getvalue(), name="a.zip")
    assert not Subscriber.objects.exists() and not Import.objects.exists()
