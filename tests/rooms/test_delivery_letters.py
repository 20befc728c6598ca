"""Letters of a mailing are stored in pieces: what they have in common once, and each reads as it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from handbill.delivery import actions, letters
from handbill.delivery.errors import MailingError
from handbill.delivery.letters import CHUNK, SHORT, Compiler, sample
from handbill.delivery.models import Body, Delivery, Mailing, Piece
from handbill.delivery.records import READER_SLOT, LetterBody, Recipient

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINE = "A line that is long enough to be worth a reference of its own, and some more.\n"
ARTICLES = [f"<p>{number}</p>\n{LINE * 3}" for number in range(6)]
FOOT = f"{LINE * 2}https://paper.example/reader/{READER_SLOT}/\n"


def letter(key: str, *chosen: int) -> LetterBody:
    written = ("<h1>Today</h1>\n", *(ARTICLES[number] for number in chosen), FOOT)
    return LetterBody(key, "news@paper.example", "Today", written, written, "en")


def said(body: Body) -> dict[str, str]:
    message = message_from_bytes(
        sample(body.pk, "issue").copy("bob@mail.example", "a@b", NOON, READER_SLOT), policy=SMTP
    )
    return {part.get_content_subtype(): part.get_content().replace("\r\n", "\n") for part in message.iter_parts()}


def test_what_letters_have_in_common_is_stored_once_and_each_reads_as_it_was_written() -> None:
    letters = [letter("a", 0, 1, 2), letter("b", 3, 2, 1), letter("c", 2), letter("d", 0, 1, 2)]
    mailing = actions.file_letters("issue:1", "issue", letters, NOON)
    assert sorted(Piece.objects.values_list("content", flat=True)) == sorted([*ARTICLES[:4], FOOT])
    for body, one in zip(mailing.bodies.order_by("key"), letters, strict=True):
        assert body.html == "".join(one.html) and body.text == "".join(one.text)
        assert said(body) == {"html": body.html, "plain": body.text}
        assert body.html_pieces[0] == "<h1>Today</h1>\n" and set(map(type, body.html_pieces[1:])) == {int}


def test_a_letter_written_whole_has_no_piece_of_its_own() -> None:
    whole = LetterBody("main", "news@paper.example", "Today", LINE * 9, LINE * 9)
    body = actions.file_letters("notice:1", "notice", [whole], NOON).bodies.get()
    assert not Piece.objects.exists() and (body.html, body.html_pieces) == (LINE * 9, [LINE * 9])


@pytest.mark.parametrize("length", [SHORT - 1, SHORT])
def test_a_short_piece_stands_in_its_letter(length: int) -> None:
    one = LetterBody("main", "news@paper.example", "Today", ("x" * length,), ("",))
    assert actions.file_letters("issue:1", "issue", [one], NOON).bodies.get().html == "x" * length
    assert Piece.objects.count() == (length >= SHORT)


def test_many_letters_take_statements_for_hundreds_and_are_read_by_two() -> None:
    many = (letter(f"{number:04}", number % 6, (number + 1) % 6) for number in range(CHUNK + 1))
    with CaptureQueriesContext(connection) as queries:
        mailing = actions.file_letters("issue:1", "issue", many, NOON)
    assert mailing.bodies.count() == CHUNK + 1 and Piece.objects.count() == len(ARTICLES) + 1
    assert len(queries) < 20
    bodies, compiler = list(mailing.bodies.values_list("pk", flat=True)), Compiler()
    with CaptureQueriesContext(connection) as queries:
        compiler.read(bodies)
        for body in bodies:
            compiler.compile(body, "issue")
    assert len(queries) == 2


def test_a_letter_filed_again_stays_as_it_was_and_one_that_comes_late_is_added() -> None:
    actions.file_letters("issue:1", "issue", [letter("a", 0)], NOON)
    actions.file_letters("issue:1", "issue", [letter("a", 1), letter("b", 1)], NOON)
    mailing = Mailing.objects.get()
    assert {body.key: body.html for body in mailing.bodies.all()} == {
        "a": "".join(letter("", 0).html),
        "b": "".join(letter("", 1).html),
    }
    with pytest.raises(MailingError):
        actions.hand_over("issue:1", "issue", (), [Recipient("x", "bob@mail.example", "missing")], NOON)
    actions.hand_over("issue:1", "issue", (), [Recipient("bob", "bob@mail.example", "b")], NOON)
    assert Delivery.objects.get().body.key == "b"
    actions.file_letters("issue:1", "issue", [letter("c", 1)], NOON)
    assert mailing.bodies.count() == 2


def test_pieces_of_one_mailing_are_none_of_another() -> None:
    for reference in ("issue:1", "issue:2"):
        actions.file_letters(reference, "issue", [letter("a", 0)], NOON)
    actions.withdraw("issue:1")
    assert Mailing.objects.get().pieces.count() == Piece.objects.count() == 2
    assert said(Body.objects.get())["html"] == "".join(letter("", 0).html)


def test_a_mailing_that_somebody_is_in_is_not_withdrawn() -> None:
    actions.hand_over("issue:1", "issue", [letter("a", 0)], [Recipient("bob", "bob@mail.example", "a")], NOON)
    actions.withdraw("issue:1")
    assert Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_letter_from_before_there_were_pieces_is_one_piece() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("delivery", "0007_mailboxes_and_surges")])
    try:
        old = executor.loader.project_state([("delivery", "0007_mailboxes_and_surges")]).apps
        mailing = old.get_model("delivery", "Mailing").objects.create(
            reference="issue:0", kind="issue", created_at=NOON
        )
        said = {"html": '<p title="x">\\ é</p>\n', "text": "Hi\n"}
        old.get_model("delivery", "Body").objects.create(mailing=mailing, key="main", **said)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate([("delivery", "0008_pieces")])
    body = Body.objects.get()
    assert (body.html, body.text) == (said["html"], said["text"])
    assert (body.html_pieces, body.text_pieces) == ([said["html"]], [said["text"]])


def test_a_compiler_that_has_no_room_for_all_pieces_still_compiles_what_it_read(monkeypatch) -> None:
    monkeypatch.setattr(letters, "MOST_PIECES", 3)
    many = [letter(f"{number}", number, (number + 1) % 6) for number in range(6)]
    bodies = actions.file_letters("issue:1", "issue", many, NOON).bodies
    compiler = Compiler()
    for number in range(0, 6, 2):
        compiler.read(bodies.filter(key__in=[str(number), str(number + 1)]).values_list("pk", flat=True))
    for body, one in zip(bodies.order_by("key"), many, strict=True):
        copy = compiler.compile(body.pk, "issue").copy("bob@mail.example", "a@b", NOON, READER_SLOT)
        assert copy == sample(body.pk, "issue").copy("bob@mail.example", "a@b", NOON, READER_SLOT)
        assert said(body)["html"] == "".join(one.html)
