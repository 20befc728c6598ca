"""Our marks in mails that came back: found where they stand, in bounds, and the mail's identity by any way."""

from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery.engine.comeback import MOST_MARKS, read_comeback
from handbill.delivery.engine.verp import number_in, return_path
from handbill.kit.keys import Key

KEY = Key(1, {1: b"o" * 32})
BODY = b"\r\n\r\nYour mail to <dee@mail.example> failed: 550 5.1.1 user unknown\r\n"


def mail(path: str, *trace: str, body: bytes = BODY) -> bytes:
    head = [
        *trace,
        f"To: {path}",
        "From: MAILER-DAEMON@mx.example",
        "Subject: Undeliverable",
        "Message-ID: <1@mx.example>",
    ]
    return "\r\n".join(head).encode() + body


@given(st.integers(0, 2**64 - 1))
def test_a_return_path_is_found_in_any_case(number):
    found = read_comeback(mail(return_path(KEY, number, "bounces+", "paper.example").upper()))
    assert [number_in(KEY, path) for path in found.paths] == [number]


def test_the_address_a_mail_was_delivered_to_comes_before_what_it_quotes():
    mine, quoted = (return_path(KEY, number, "b-", "b.example") for number in (1, 2))
    body = f"\r\n\r\nOriginal-Mail-From: <{quoted}>\r\n".encode()
    for data in (mail(mine, body=body), mail("x@y.example", f"X-Original-To: {mine}", body=body)):
        assert [number_in(KEY, path) for path in read_comeback(data).paths] == [1, 2]


def test_the_trace_of_a_way_is_no_part_of_the_identity():
    one, other = mail("a@b.example"), mail("a@b.example", "Received: by mx", "X-Original-To: a@b.example")
    assert read_comeback(one).identity == read_comeback(other).identity
    assert read_comeback(mail("a@b.example", body=BODY + b".")).identity != read_comeback(one).identity


def test_marks_are_bounded():
    letters = "abcdefghijklmnopqrstuvwxyz"
    body = "".join(f"<x+{a}{b}{'a' * 24}@p.example>\r\n" for a in letters for b in letters)
    assert len(read_comeback(mail("a@b.example", body=b"\r\n\r\n" + body.encode())).paths) == MOST_MARKS


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data):
    assert len(read_comeback(data).identity) == 64
