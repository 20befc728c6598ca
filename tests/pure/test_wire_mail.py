"""What is seen of a mail before it is filed: whose it is, and whether a person has to look at it."""

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_wire_newsletter import mail

from handbill.kit.text import plain
from handbill.wire.mail import MAX_LINKS, MAX_TEXT, SeenMail, keys_of, matcher_of, see_mail, unread
from handbill.wire.newsletter import read_newsletter

KEY = "0123456789abcdef"
CONFIRM = "https://outlet.example/confirm?token=aB3dE5fG7hJ9kL1mN3pQ5rS7"


def seen(html: str = "<p>Text</p>", text: str = "", **changes: str) -> SeenMail:
    return see_mail(mail(html, text, **changes))


def test_a_mail_says_who_sent_it_and_by_what_it_is_known() -> None:
    one = seen()
    assert one.sender == "The Outlet (outlet.example)"
    assert one.matchers == ("daily.outlet.example", "letter@outlet.example", "@outlet.example")
    assert (one.subject, one.text, one.fault) == ("River rises", "Text", "")
    assert one.entry is not None and one.entry.identity == one.identity
    assert seen(List_Id="").matchers[0] == "letter@outlet.example"
    assert seen(List_Id="", From="").matchers == ()
    assert seen(From="a@outlet.example").sender == "outlet.example"


def test_the_envelope_leads_to_the_source_before_what_the_letter_says() -> None:
    data = f"Return-Path: <x@o.example>\r\nX-Original-To: <{KEY}@Paper.example>\r\n".encode() + mail("<p>x</p>")
    assert see_mail(data).recipients == (f"{KEY}@paper.example", "desk@paper.example")
    assert keys_of((f"news+{KEY}@paper.example", "desk@paper.example")) == [KEY, f"news+{KEY}", "desk"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Daily <Daily.Outlet.example>", "daily.outlet.example"),
        (" A@Outlet.example ", "a@outlet.example"),
        ('"X" <a@b.example>', "a@b.example"),
        ("", ""),
    ],
)
def test_what_an_editor_pastes_is_compared_as_the_mail_says_it(written: str, kept: str) -> None:
    assert matcher_of(written) == kept


@pytest.mark.parametrize(
    "subject",
    [
        "Please confirm your subscription",
        "Confirm your email address",
        "Bitte bestätigen Sie Ihre Anmeldung",
        "Confirmez votre inscription",
        "Confirma tu suscripción",
        "Подтвердите подписку",
        "Verify your e-mail",
        "Subscription confirmation",
    ],
)
def test_a_mail_that_asks_to_confirm_is_known_by_its_subject(subject: str) -> None:
    assert seen(Subject=subject).confirms


def test_a_mail_that_asks_to_confirm_is_known_by_its_link_and_keeps_it() -> None:
    one = seen(f'<p>Nearly there.</p><p><a href="{CONFIRM}">Confirm my subscription</a></p>', Subject="Welcome")
    assert one.confirms and one.links == (("Confirm my subscription", CONFIRM),)
    assert seen("", f"Nearly there. Confirm: {CONFIRM}.", Subject="Please confirm your address").links == (
        ("", CONFIRM),
    )
    long = "<p>" + "Much was said. " * 400 + f'</p><p><a href="{CONFIRM}">Confirm my subscription</a></p>'
    assert not seen(long).confirms
    assert not seen("<p>The minister could not confirm the number.</p>", Subject="Minister: nothing is sure").confirms


@pytest.mark.parametrize(
    "head",
    ["Auto-Submitted: auto-replied", "Return-Path: <>", "Precedence: auto_reply", "X-Autoreply: yes"],
)
def test_the_answer_of_a_machine_is_known(head: str) -> None:
    assert see_mail(head.encode() + b"\r\n" + mail("<p>I am away.</p>")).automatic
    assert not see_mail(b"Auto-Submitted: auto-generated\r\n" + mail("<p>x</p>")).automatic


def test_a_report_of_delivery_is_a_machine_s() -> None:
    report = EmailMessage()
    report["Subject"] = "Undelivered"
    report.set_content("It could not be delivered.")
    report.make_mixed()
    report.replace_header("Content-Type", 'multipart/report; report-type="delivery-status"; boundary="b"')
    assert see_mail(report.as_bytes()).automatic


def test_what_can_t_be_read_says_why_and_is_known_again() -> None:
    one = see_mail(b"\r\n\r\n")
    assert one.entry is None and "nothing to read" in one.fault and one == see_mail(b"\r\n\r\n")
    assert unread(b"x", "Too large.") == SeenMail(unread(b"x", "").identity, fault="Too large.")


def test_there_are_bounds() -> None:
    links = "".join(f'<a href="https://outlet.example/{n}">{n}</a> ' for n in range(500))
    one = seen(f"<p>{'word ' * 2000}</p>{links}<a href='javascript:x'>j</a>")
    assert len(one.links) == MAX_LINKS and len(one.text) <= MAX_TEXT


READERS = ["Desk@Paper.example", f"news+{KEY}@paper.example", "a&b@paper.example", "änne@paper.example"]


@pytest.mark.parametrize("reader", READERS)
def test_no_form_of_the_reader_s_address_is_left(reader: str) -> None:
    from base64 import b64encode
    from html import escape
    from urllib.parse import quote

    hidden = b64encode(reader.encode()).decode().rstrip("=")
    link = f"https://outlet.example/a?x={quote(reader, safe='')}&amp;y={hidden}"
    html = f'<p>For {escape(reader)}: <a href="{link}">{escape(reader.upper())}</a> {KEY}</p>'
    html += f'<img src="{link}" alt="{hidden}">'
    entry = read_newsletter(mail(html, To=reader, Subject=f"Dear {reader}", From=f"{hidden} <a@outlet.example>"))
    kept = repr(entry).lower()
    for form in (reader, escape(reader), quote(reader), quote(reader, safe=""), hidden):
        assert form.lower() not in kept
    if KEY in reader:
        assert KEY not in kept


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
LEAVE = ["Unsubscribe", "Newsletter abbestellen", "Se désabonner", "Manage your preferences", "Отписаться"]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(READERS[:3]),
    st.lists(WORDS, max_size=5),
    st.sampled_from(LEAVE),
    st.sampled_from(
        ["https://outlet.example/l/qz4711", "https://outlet.example/unsubscribe/7", "mailto:leave@outlet.example"]
    ),
)
def test_whatever_stands_around_them_no_reader_and_no_way_to_leave_is_kept(
    reader: str, words: list[str], label: str, link: str
) -> None:
    around = [plain(word) for word in words]
    pieces = "".join(f"<p>{word} {reader}</p><div title='{reader}'>{word}</div>" for word in around)
    html = f'{pieces}<table><tr><td><a href="{link}"><b>{label}</b></a> {reader}</td></tr></table>{pieces}'
    for data in (mail(html, To=reader), mail("", f"{' '.join(around)} {reader}\n\n{label}: {link}\n", To=reader)):
        one = see_mail(data)
        if one.entry is None:
            continue
        kept = repr((one.entry, one.text, one.subject)).lower()
        assert reader.lower() not in kept
        assert link not in kept
        assert "qz4711" not in kept  # which stands in no digest
