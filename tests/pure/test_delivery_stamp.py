"""Stamped copies parse back to the letter that was compiled, whatever the letter holds."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handbill.delivery.engine.stamp import StampError, compile_letter, compile_piece
from handbill.delivery.records import READER_SLOT

MORNING = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
TOKEN = "0b9f5c0e-5d59-4f0e-9f43-0a7b4b8f9d11.Zm9vYmFyLV9iYXo=="
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=400)
SLOTTED = st.lists(st.one_of(TEXTS, st.just(READER_SLOT)), max_size=6).map("".join)
NESTED = READER_SLOT.replace("-", f"-{READER_SLOT}", 1)  # taking the inner one out must not leave another
TOKENS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200)


def stamped(token: str = TOKEN, to: str = "bob@mail.example", **changed: object) -> bytes:
    letter = {"sender": "The Paper <news@paper.example>", "subject": "Today", "html": "<p>Hi</p>", "text": "Hi"}
    return compile_letter(**{**letter, **changed}).copy(to, "abc@paper.example", MORNING, token)  # type: ignore[arg-type]


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=SMTPUTF8)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return raw.decode()


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(deadline=None)
@given(text=SLOTTED, html=SLOTTED, token=TOKENS)
@example(text="x" * 74 + READER_SLOT, html="é" * 25 + " " + READER_SLOT + " \n", token="=" * 76)
@example(text="a" * 73 + " ", html="a" * 75 + "\t", token=TOKEN)
def test_both_bodies_come_back_with_the_token_in_every_slot(text: str, html: str, token: str):
    message = parsed(stamped(token, text=text, html=html))
    for subtype, written in (("plain", text), ("html", html)):
        expected = unix(unix(written).replace(READER_SLOT, token))
        assert unix(body(message, subtype)) == expected


@settings(deadline=None)
@given(text=SLOTTED, html=SLOTTED, token=TOKENS)
def test_every_line_of_the_bodies_is_short_ascii_and_ends_with_crlf(text: str, html: str, token: str):
    data = stamped(token, text=text, html=html)
    data.decode("ascii")
    assert data.endswith(b"\r\n")
    lines = data.split(b"\r\n")
    assert all(b"\r" not in line and b"\n" not in line for line in lines)
    start = lines.index(b"")
    assert max(len(line) for line in lines[start:]) <= 76


DOTTED = st.lists(st.sampled_from([".", "..", "\n", "é", "x" * 70, " ", READER_SLOT]), max_size=12).map("".join)


@settings(deadline=None)
@given(text=DOTTED, html=DOTTED, token=st.sampled_from([".", "..x", "a" * 75 + ".b", "." * 200, TOKEN]))
def test_no_line_starts_with_a_dot_and_none_is_lost(text: str, html: str, token: str):
    data = stamped(token, text=text, html=html)
    assert b"\r\n." not in data and max(map(len, data.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    assert unix(body(parsed(data), "plain")) == unix(text.replace(READER_SLOT, token))


def test_the_parts_are_the_copy():
    letter = compile_letter(sender="news@paper.example", subject="", html=READER_SLOT, text=f"a {READER_SLOT} b")
    parts, size = letter.parts("bob@mail.example", "abc@paper.example", MORNING, TOKEN)
    assert b"".join(parts) == letter.copy("bob@mail.example", "abc@paper.example", MORNING, TOKEN)
    assert size == len(b"".join(parts))


PIECES = st.lists(st.one_of(SLOTTED, DOTTED, SLOTTED.map(lambda text: f"{text}\n")), max_size=5)
MADE = {"sender": "The Paper <news@paper.example>", "subject": "Today", "one_click": f"https://p.example/{READER_SLOT}"}


@settings(deadline=None)
@given(html=PIECES, text=PIECES, token=TOKENS)
@example(html=["a" * 73 + " ", "\n"], text=["a\t", ".b", "", "é" * 40], token=TOKEN)
@example(html=["a" * 74 + " "], text=[READER_SLOT, READER_SLOT], token="=")
def test_a_letter_of_pieces_reads_like_one_that_was_written_whole(html: list[str], text: list[str], token: str):
    letter = compile_letter(**MADE, html=map(compile_piece, html or [""]), text=map(compile_piece, text))
    parts, size = letter.parts("bob@mail.example", "abc@paper.example", MORNING, token)
    data = b"".join(parts)
    message = parsed(data)
    whole = parsed(
        compile_letter(**MADE, html="".join(map(unix, html)), text="".join(map(unix, text))).copy(
            "bob@mail.example", "abc@paper.example", MORNING, token
        )
    )
    for subtype, written in (("html", html), ("plain", text)):
        assert unix(body(message, subtype)) == unix("".join(map(unix, written)).replace(READER_SLOT, token))
        assert unix(body(message, subtype)) == unix(body(whole, subtype))
    lines = data.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert b"\r\n." not in data and len(data) == size and max(map(len, lines)) <= 76
    assert not any(line.endswith((b" ", b"\t")) for line in lines)
    assert message.items() == whole.items()


def test_without_html_a_letter_is_text_alone():
    made = compile_letter(**MADE, html=(), text=[compile_piece("Hi, "), compile_piece(f"{READER_SLOT}\n")])
    data = made.copy("bob@mail.example", "a@paper.example", MORNING, TOKEN)
    message = parsed(data)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain"]
    assert unix(body(message, "plain")) == f"Hi, {TOKEN}\n"


def test_a_piece_that_is_all_a_letter_has_is_like_a_letter_that_was_written_whole():
    pieces = compile_letter(**MADE, html=[compile_piece("<p>Hi</p>")], text=[compile_piece("Hi\n")])
    whole = compile_letter(**MADE, html="<p>Hi</p>", text="Hi\n")
    assert pieces.parts("bob@mail.example", "a@paper.example", MORNING, TOKEN) == whole.parts(
        "bob@mail.example", "a@paper.example", MORNING, TOKEN
    )


@settings(deadline=None)
@given(subject=st.text(max_size=300), name=st.text(max_size=80), language=st.text(max_size=20))
@example(subject="Hi\r\nBcc: cy@mail.example", name="A\r\nBcc: cy@mail.example", language="en\r\nBcc: x")
@example(subject="Hi\u2028Bcc: cy@mail.example", name="\x85Bcc: cy@mail.example", language="de")
@example(subject=READER_SLOT, name=READER_SLOT, language="")
@example(subject=NESTED, name=NESTED, language="")
def test_nothing_typed_starts_a_header(subject: str, name: str, language: str):
    try:
        data = stamped(subject=subject, sender=f"{name} <news@paper.example>", language=language)
    except StampError:
        return
    message = parsed(data)
    names = {"From", "Subject", "To", "Message-ID", "Date", "MIME-Version", "Content-Type", "Content-Language"}
    assert set(message.keys()) <= names
    assert TOKEN[:36] not in f"{message['Subject']} {message['From']}"
    assert len(message.keys()) == len(set(message.keys()))
    assert message["To"].addresses[0].addr_spec == "bob@mail.example"
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))


def test_subject_and_sender_keep_their_letters():
    message = parsed(stamped(subject="Fünf Grüße — صباح الخير", sender='"Zürich, heute" <news@zürich.example>'))
    assert message["Subject"] == "Fünf Grüße — صباح الخير"
    sender = message["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("Zürich, heute", "news@xn--zrich-kva.example")


def test_the_envelope_sender_is_the_address_alone():
    stamp = compile_letter(sender="Paper <news@paper.example>", subject="", html="", text="")
    assert stamp.envelope_from == "news@paper.example"


def test_list_mail_offers_one_click_and_other_mail_does_not():
    message = parsed(stamped(one_click=f"https://paper.example/unsubscribe/{READER_SLOT}/"))
    assert message["List-Unsubscribe"] == f"<https://paper.example/unsubscribe/{TOKEN}/>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not [name for name in parsed(stamped()) if name.startswith("List-")]


def test_further_headers_are_in_every_copy():
    message = parsed(stamped(headers=[("List-Id", "<digest.paper.example>")]))
    assert str(message["List-Id"]) == "<digest.paper.example>"


def test_a_copy_made_again_is_the_same_copy():
    assert stamped(text=f"see {READER_SLOT}") == stamped(text=f"see {READER_SLOT}")


def test_date_and_message_id_are_those_given():
    message = parsed(stamped())
    assert (message["Date"].datetime, message["Message-ID"]) == (MORNING, "<abc@paper.example>")


def test_an_address_beyond_ascii_stands_in_the_header_as_it_is():
    assert stamped(to="jörg@mail.example").startswith("To: jörg@mail.example\r\n".encode())


@pytest.mark.parametrize("sender", ["", "nobody", "@paper.example", "a b", "jörg@paper.example", "a@" + "b" * 70])
def test_a_sender_that_is_no_mailbox_is_refused(sender: str):
    with pytest.raises(StampError):
        stamped(sender=sender)


@pytest.mark.parametrize("address", ["https://x.example/\r\nBcc: y", "https://x.example/ b", "https://x/>y", "ftp://x"])
def test_an_unsubscribe_address_that_is_none_is_refused(address: str):
    with pytest.raises(StampError):
        stamped(one_click=address)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nBcc: x", "ü"])
def test_a_token_that_no_link_can_hold_is_refused(token: str):
    with pytest.raises(StampError):
        stamped(token)


def test_a_header_longer_than_mail_allows_is_refused():
    with pytest.raises(StampError):
        stamped(one_click="https://x.example/" + "y" * 990)
