"""A mail becomes an entry without what is its recipient's: links to leave, pixels, counting links, footers."""

from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.text import plain
from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_BYTES
from handbill.wire.newsletter import parse_newsletter
from handbill.wire.records import Entry
from handbill.wire.sanitise import sanitise

HEADERS = {
    "From": "The Outlet <letter@outlet.example>",
    "To": "desk@paper.example",
    "Subject": "River rises",
    "Date": "Sun, 22 Nov 2026 10:00:00 +0200",
    "Message-ID": "<n-1@outlet.example>",
    "List-Id": "Daily <daily.outlet.example>",
    "List-Unsubscribe": "<https://outlet.example/l/4711>, <mailto:leave@outlet.example>",
}


def mail(html: str = "", text: str = "", **changes: str) -> bytes:
    message = EmailMessage()
    for name, value in (HEADERS | {name.replace("_", "-"): value for name, value in changes.items()}).items():
        if value:
            message[name] = value
    if text or not html:
        message.set_content(text)
    if html and text:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    return message.as_bytes()


def body(html: str, **changes: str) -> str:
    return parse_newsletter(mail(html, **changes)).content


def words(html: str = "", text: str = "") -> str:
    return plain(sanitise(parse_newsletter(mail(html, text)).body))


def test_a_mail_gives_title_sender_date_and_id() -> None:
    entry = parse_newsletter(mail("<p>The <b>long</b> text.</p>", "Short."))
    assert (entry.title, entry.authors, entry.id) == ("River rises", ("The Outlet",), "<n-1@outlet.example>")
    assert entry.published == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert entry.body == "<p>The <b>long</b> text.</p>"
    assert entry.address == ""


def test_headers_in_other_scripts_are_read() -> None:
    entry = parse_newsletter(
        mail("<p>x</p>", Subject="Der Fluß steigt · 河川", From="Zeitung für Köln <a@outlet.example>")
    )
    assert (entry.title, entry.authors) == ("Der Fluß steigt · 河川", ("Zeitung für Köln",))


@pytest.mark.parametrize("sender", ["a@outlet.example", '"a@outlet.example" <a@outlet.example>', "", ";;"])
def test_an_address_is_never_the_author(sender: str) -> None:
    assert parse_newsletter(mail("<p>x</p>", From=sender)).authors == ()


def test_a_mail_is_known_again_by_its_id_and_without_one_by_date_and_subject() -> None:
    one, same, other = (
        parse_newsletter(mail(html, Message_ID="", Subject=subject)).identity
        for html, subject in (("<p>a</p>", "S"), ("<p>b</p>", "S"), ("<p>a</p>", "T"))
    )
    assert one == same != other


LEAVING = [
    '<p><a href="https://click.outlet.example/x/AbCdEf">Unsubscribe</a></p>',
    '<p>You get this letter at desk@paper.example. <a href="https://outlet.example/l/4711">Leave</a></p>',
    '<table><tr><td>No more? <a href="https://outlet.example/x">click here</a> to unsubscribe</td></tr></table>',
    '<div><a href="https://outlet.example/p">Manage your preferences</a> · '
    '<a href="mailto:u@outlet.example">Opt out</a></div>',
    '<p><a href="https://outlet.example/abmelden?t=1">Vom Brief lassen</a></p>',
    '<p><a href="https://outlet.example/1">Newsletter abbestellen</a></p>',
    '<p><a href="https://outlet.example/1">Se désabonner</a></p>',
    '<p><a href="https://outlet.example/1">Darse de baja</a></p>',
    '<p><a href="https://outlet.example/1">Отписаться</a></p>',
    '<p><a href="https://outlet.example/1">إلغاء الاشتراك</a></p>',
    '<p><a href="https://outlet.example/1">配信停止はこちら</a></p>',
    '<p><a href="https://outlet.example/1">View this email in your browser</a></p>',
]


@pytest.mark.parametrize("footer", LEAVING)
def test_links_to_leave_go_with_their_line_and_nothing_else(footer: str) -> None:
    left = body(f'<body><p>First.</p>{footer}<p>Last <a href="https://outlet.example/a">one</a>.</p></body>')
    assert plain(left) == "First.\n\nLast one."
    assert left.count("href") == 1 and "outlet.example/a" in left


def test_a_report_about_leaving_stays() -> None:
    said = "Thousands of members unsubscribe from the mayor's letter after the vote on the harbour, and more follow"
    assert said in plain(body(f'<p><a href="https://outlet.example/a">{said}</a></p>'))
    assert "see what happened" in body('<p><a href="https://outlet.example/a">see what happened on Sunday</a></p>')


def test_pixels_and_hidden_preview_text_go() -> None:
    left = body(
        '<div style="display: none; max-height:0">Preview only</div><p>Text</p>'
        '<img src="https://outlet.example/i.gif" width="1" height="1"><img src="https://o.example/p" style="width:1px">'
        '<img src="https://outlet.example/open?id=7"><img src="https://outlet.example/photo.jpg" width="600">'
    )
    assert "Preview" not in left and "i.gif" not in left and "o.example" not in left and "open?" not in left
    assert "photo.jpg" in left


def test_the_reader_s_own_address_is_not_kept() -> None:
    left = body(
        '<p>Dear Desk@paper.example, read <a href="https://outlet.example/a?for=desk%40paper.example">on</a></p>'
    )
    assert "paper.example" not in left and "read" in left
    assert "paper.example" not in words(text="For desk@paper.example only")


def test_counting_links_are_straightened_or_lose_their_target() -> None:
    left = body(
        '<p><a href="https://click.outlet.example/?u=7&amp;url=https%3A%2F%2Foutlet.example%2Fa%3Fb%3D1%26utm_source%3Dx">A</a>'
        ' <a href="https://click.outlet.example/ls/click/AbC123">B</a>'
        ' <a href="https://outlet.example/c?id=3&amp;utm_medium=mail&amp;token=abc">C</a></p>'
    )
    assert 'href="https://outlet.example/a?b=1"' in left and 'href="https://outlet.example/c?id=3"' in left
    assert left.count("href") == 2 and plain(left) == "A B C"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://outlet.example/p/river-rises?utm_source=mail&token=abc", "https://outlet.example/p/river-rises"),
        ("https://outlet.example/view/aB3dE5fG7hJ9kL1mN3pQ5rS7", ""),
        ("https://outlet.example/view?who=aB3dE5fG7hJ9kL1mN3pQ5rS7", ""),
        ("https://outlet.example/view?mail=desk@paper.example", "https://outlet.example/view"),
        ("javascript:alert(1)", ""),
    ],
)
def test_the_address_to_read_online_is_kept_only_without_a_personal_token(link: str, expected: str) -> None:
    assert parse_newsletter(mail(f'<p><a href="{link}">View in browser</a></p><p>Text</p>')).address == expected


def test_an_archive_s_address_is_preferred() -> None:
    assert (
        parse_newsletter(mail("<p>x</p>", Archived_At="<https://outlet.example/n/1>")).address
        == "https://outlet.example/n/1"
    )


def test_plain_text_keeps_its_paragraphs_and_loses_its_footer() -> None:
    text = (
        "First <line>\nsecond line\n\nRead https://outlet.example/a?utm_source=m.\n\nLeave: https://outlet.example/l/4711\n"
        "_______________________________________________\nDaily list\nTo unsubscribe: mailto:x@outlet.example\n"
    )
    left = parse_newsletter(mail(text=text)).body
    assert left == (
        "<p>First &lt;line&gt;<br>second line</p>"
        '<p>Read <a href="https://outlet.example/a">https://outlet.example/a</a>.</p>'
    )


def test_old_encodings_are_read() -> None:
    head = "Subject: x\nContent-Type: text/html; charset={}\nContent-Transfer-Encoding: 8bit\n\n"
    for name, sent in (("iso-8859-2", "iso-8859-2"), ("no-such-charset", "utf-8")):
        data = head.format(name).encode() + "<p>Łódź</p>".encode(sent)
        assert parse_newsletter(data).body == "<p>Łódź</p>"


def test_a_mail_with_a_text_only_is_called_by_its_first_words() -> None:
    assert parse_newsletter(mail("<p>The river rises.</p>", Subject="")).title == "The river rises."


@pytest.mark.parametrize("data", [b"", b"\n\n", b"From: a@b.example\n\n", b"Subject:\n\n \n"])
def test_a_mail_with_nothing_to_read_is_refused(data: bytes) -> None:
    with pytest.raises(FeedError):
        parse_newsletter(data)


def test_too_large_a_mail_is_refused() -> None:
    with pytest.raises(FeedError, match="larger than"):
        parse_newsletter(b"Subject: x\n\n" + b"x" * MAX_BYTES)


def test_a_mail_nested_too_deep_is_refused_or_read_but_never_breaks() -> None:
    part = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 2000
    with suppress(FeedError):
        parse_newsletter(b"Subject: x\n" + part)


@given(st.binary(max_size=300), st.text(max_size=100))
def test_nothing_but_feed_error_is_raised(data: bytes, text: str) -> None:
    typed = b"Content-Type: text/html; charset=utf-8\n\n"
    for each in (
        data,
        b"Subject: " + data,
        typed + data,
        typed + f'<p><a href="{text}">{text}</a><img width="{text}">'.encode(),
    ):
        with suppress(FeedError):
            assert isinstance(parse_newsletter(each), Entry)


def test_ordinary_mails_are_read(corpus: Path) -> None:
    files = sorted((corpus / "bounces").rglob("*.eml"))
    assert files
    for file in files:
        with suppress(FeedError):
            entry = parse_newsletter(file.read_bytes())
            assert "@" not in " ".join(entry.authors)
            sanitise(entry.body)
