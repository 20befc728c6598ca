"""What counts as an address, what it becomes, and that a refusal never repeats it."""

from traceback import format_exception

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handbill.delivery import address
from handbill.delivery.address import AddressError, address_hash, normalise


@pytest.mark.parametrize(
    ("typed", "mailed"),
    [
        ("bob@mail.example", "bob@mail.example"),
        ("  Bob.B+news@MAIL.Example\n", "Bob.B+news@mail.example"),
        ("bob@München.example", "bob@xn--mnchen-3ya.example"),
        ("bob@xn--mnchen-3ya.example", "bob@xn--mnchen-3ya.example"),
        ("jo\u0308rg@mail.example", "jörg@mail.example"),
    ],
)
def test_an_address_is_mailed_in_one_form(typed: str, mailed: str):
    assert normalise(typed) == mailed
    assert normalise(mailed) == mailed


def test_the_same_mailbox_has_one_hash():
    same = ["bob@münchen.example", "BOB@MÜNCHEN.example ", "Bob@xn--mnchen-3ya.EXAMPLE"]
    assert len({address_hash(typed) for typed in same}) == 1
    assert address_hash("bob@mail.example") != address_hash("cy@mail.example")
    assert "bob" not in address_hash("bob@mail.example")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "bob",
        "bob@",
        "@mail.example",
        "bob@localhost",
        "bob@mail..example",
        "b..b@mail.example",
        "bob@[127.0.0.1]",
        '"bob b"@mail.example',
        "Bob <bob@mail.example>",
        "bob@mail.example,cy@mail.example",
        "bob@mail.example\r\nBcc: cy@mail.example",
        "bob\x00@mail.example",
        "bob\u200b@mail.example",
        "bob\u2028@mail.example",
        "bob\ud800@mail.example",
        "b" * 65 + "@mail.example",
        "ü" * 40 + "@mail.example",
        "bob@" + "a" * 64 + ".example",
        "bob@" + "abc." * 70 + "example",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(typed: str):
    with pytest.raises(AddressError) as refused:
        normalise(typed)
    assert len(typed) < 5 or typed not in "".join(format_exception(refused.value))


@given(st.text(max_size=300))
def test_whatever_is_accepted_fits_a_header_and_stays_what_it_is(typed: str):
    try:
        mailed = normalise(typed)
    except AddressError:
        return
    assert not set(mailed) & set(' \r\n\t<>,;:"')
    assert normalise(mailed) == mailed and mailed.rpartition("@")[2].isascii()


@given(st.emails())
def test_ordinary_addresses_either_pass_or_are_refused_in_words(typed: str):
    try:
        assert normalise(typed).isprintable()
    except AddressError as refused:
        assert str(refused).endswith(".")


LOCAL = st.text("abYZ09_+-.%é", min_size=1, max_size=70)
DOMAIN = st.lists(st.text("abX0-é", min_size=1, max_size=66), min_size=1, max_size=3).map(".".join)
TOP = st.sampled_from(["example", "COM", "test", "local", "invalid", "c1", "xn--p1ai", "o", ""])


@given(st.builds("{}@{}.{}".format, LOCAL | st.sampled_from(["Info", "postmaster", "a"]), DOMAIN, TOP))
@example("a@" + "b" * 63 + ".example")
@example("a" * 64 + "@b.example")
@example("a@" + ".".join(["b" * 60] * 4) + ".example")
def test_the_short_way_for_everyday_addresses_says_what_the_library_says(typed: str):
    if short := address._ordinary(typed):
        assert short == address._by_library(typed)


def test_everyday_addresses_take_the_short_way():
    assert address._ordinary("Bob.B+news@MAIL.Example") == "Bob.B+news@mail.example"
