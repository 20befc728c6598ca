"""Mails that come back, in the manner of many mail systems, and beside each what is read from it.

``golden/bounces/NAME.eml`` is the mail, written for this test, ``NAME.json`` its reading. To take the readings anew
after a change that is meant, run this module: ``python -m tests.pure.test_delivery_bounces``.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.delivery.engine.feedback import read_feedback
from handbill.delivery.engine.inspect import inspect_bounce
from handbill.delivery.engine.mailbox import messages_in
from handbill.delivery.engine.parts import MAX_BYTES
from handbill.delivery.engine.report import MAX_RECIPIENTS

MAILS = sorted((Path(__file__).parent / "golden" / "bounces").glob("*.eml"))
SEEDS = [path.read_bytes() for path in MAILS]
NOT_GONE = ("blocked", "quota exceeded", "mailbox full", "rejected for policy reasons", "account suspended", "spam")


def reading(path: Path) -> list[dict[str, Any]]:
    return inspect_bounce(path.read_bytes())


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_each_mail_is_read_as_it_stands_beside_it(path: Path) -> None:
    assert reading(path) == json.loads(path.with_suffix(".json").read_text())


def test_the_evidence_says_whether_one_proof_is_enough() -> None:
    by_name = {path.stem: read_feedback(path.read_bytes()).recipients for path in MAILS}
    assert [told.definite for told in by_name["report-unknown"]] == [True]
    assert [told.definite for told in by_name["exim"]] == [False]  # the words say it, no code does
    assert [told.definite for told in by_name["report-domain"]] == [False]  # a domain may come back


def test_the_return_path_it_came_to_is_told() -> None:
    assert (
        read_feedback(b"Delivered-To: bounce-abc@paper.example\nTo: x@y.example\n\nhi").to == "bounce-abc@paper.example"
    )


@pytest.mark.parametrize("words", NOT_GONE)
@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_block_a_full_mailbox_and_a_policy_are_never_gone(path: Path, words: str) -> None:
    data = path.read_bytes()
    for unknown in (b"User unknown", b"user unknown", b"no such user", b"Unknown recipient", b"Unknown user"):
        data = data.replace(unknown, unknown + b" (" + words.encode() + b")")
    if data != path.read_bytes() and path.stem not in ("sendmail-old", "two-in-a-mailbox"):
        assert not any(told.reader_gone for told in read_feedback(data).recipients)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_at_all_are_read(data: bytes) -> None:
    assert read_feedback(data).kind in ("bounce", "complaint", "auto-reply", "none")
    assert len(list(messages_in(data))) >= 1


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False), st.binary(max_size=40))
def test_mutilated_mails_are_read(seed: bytes, dice: random.Random, piece: bytes) -> None:
    data = bytearray(seed)
    for _ in range(dice.randrange(1, 6)):
        start = dice.randrange(len(data) + 1)
        data[start : start + dice.randrange(60)] = dice.choice((piece, b"", data[:200], b"\r\n\r\n", b"--=-b\n"))
    for told in read_feedback(bytes(data)).recipients:
        assert isinstance(told.address, str)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.sampled_from(["utf-7", "rot13", "idna", "punycode", "unicode_escape", "no-such", "hex", "\udc80"]),
)
def test_a_charset_that_is_none_costs_nothing(seed: bytes, charset: str) -> None:
    read_feedback(seed.replace(b"charset=utf-8", b"charset=" + charset.encode("utf-8", "surrogateescape")))


@pytest.mark.parametrize(
    "head",
    [
        "Subject: =?utf-8?b?####?=",
        "Subject: =?utf-8?b?A?=",
        "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nAAAAAAAAAAAAAAAAA",
        "Subject: =?no-such?q?failure_notice?=",
        "Subject: \xff\xfe failure notice",
        "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nAAAAAAAAAAAAAAAAA=AAA",
        "Content-Type: multipart/report; report-type*=utf-8''delivery%2Dstatus; boundary=x",
        "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\nhi\n--y--",
        "Content-Type: message/global-delivery-status\n\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\nhi\n--y--",
        "Content-Type: text/plain; charset*0*=\x80",
        "Content-Type: multipart/mixed",
    ],
)
def test_broken_heads_are_read(head: str) -> None:
    assert read_feedback(b"From: MAILER-DAEMON\n" + head.encode("latin-1") + b"\n\nbody\n").kind in ("bounce", "none")


def test_a_mail_that_nests_without_end_is_read() -> None:
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000))
    assert read_feedback(b"From: MAILER-DAEMON@mail.example\nSubject: failure notice\n" + nested).kind in (
        "bounce",
        "none",
    )


def test_more_recipients_than_a_copy_has_are_not_read() -> None:
    fields = "".join(
        f"Final-Recipient: rfc822; r{n}@mail.example\nAction: failed\nStatus: 5.1.1\n\n" for n in range(500)
    )
    data = f"From: MAILER-DAEMON\nContent-Type: message/delivery-status\n\n{fields}".encode()
    assert len(read_feedback(data).recipients) == MAX_RECIPIENTS


def test_what_stands_after_the_first_megabyte_is_not_read() -> None:
    tail = b"\n<dee@mail.example>: 550 5.1.1 User unknown\n"
    data = b"From: MAILER-DAEMON\nSubject: failure notice\n\n" + b" " * MAX_BYTES + tail
    assert not any(told.reader_gone for told in read_feedback(data).recipients)


@pytest.mark.parametrize(
    ("name", "count"), [("two-in-a-mailbox", 2), ("report-unknown", 1), ("qmail", 1)], ids=lambda value: str(value)
)
def test_a_mailbox_is_split_into_its_messages(name: str, count: int) -> None:
    data = next(path for path in MAILS if path.stem == name).read_bytes()
    pieces = list(messages_in(data))
    assert len(pieces) == count
    assert b"".join(pieces) == data


def test_a_quoted_separator_splits_nothing() -> None:
    first, second = (b"From %b Mon Nov  2 10:00:00 2026\nTo: " % name for name in (b"a@b.example", b"c@d.example"))
    quoted = first + b"x\n\nsaid:\n\n" + second + b"y\n\nz\n"
    received = second.replace(b"To: ", b"Received: y\n\nz\n")
    assert len(list(messages_in(quoted))) == 1
    assert len(list(messages_in(first + b"x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" + received))) == 1
    assert len(list(messages_in(quoted.replace(b"2026\nTo: y", b"2026\nReceived: y")))) == 2


if __name__ == "__main__":
    for each in MAILS:
        each.with_suffix(".json").write_text(json.dumps(reading(each), indent=1, ensure_ascii=False) + "\n")
