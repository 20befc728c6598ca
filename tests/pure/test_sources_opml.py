"""Lists of feeds as other readers export them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.kit.text import clean
from handbill.sources.errors import OpmlError
from handbill.sources.opml import MAX_BYTES, MAX_NAME, MAX_OUTLINES, Outline, read_opml, write_opml


def opml(inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?><opml version="2.0"><head/><body>{inside}</body></opml>'.encode()


def test_outlines_are_found_however_deep_and_folders_are_not_kept() -> None:
    data = opml(
        '<outline text="Folder"><outline text="Deeper"><outline text="The &amp;lt;Valley&amp;gt;" title="The Valley"'
        ' xmlUrl="https://valley.example/feed" htmlUrl="https://valley.example/" language="en"/></outline></outline>'
        '<outline type="rss" text="Gulf" xmlurl=" https://gulf.example/rss "/>'
        '<outline text="no feed" url="https://x.example"/>'
        '<OUTLINE TEXT="Loud" XMLURL="https://loud.example/"/><outline type="rss" text="Old" url="https://old.example/"/>'
    )
    found = [(o.name, o.feed_address, o.site_address, o.language) for o in read_opml(data)]
    assert found == [
        ("The Valley", "https://valley.example/feed", "https://valley.example/", "en"),
        ("Gulf", "https://gulf.example/rss", "", ""),
        ("Loud", "https://loud.example/", "", ""),
        ("Old", "https://old.example/", "", ""),
    ]


def test_a_bare_ampersand_is_mended_and_names_become_plain_text() -> None:
    (outline,) = read_opml(opml('<outline text="A &amp; &lt;b>B&lt;/b>" xmlUrl="https://x.example/?a=1&b=2&amp;c=3"/>'))
    assert outline.feed_address == "https://x.example/?a=1&b=2&c=3"
    assert outline.name == "A & B"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_other_encodings_are_read(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><opml><body>'
    text += '<outline text="Übung" xmlUrl="https://x.example/"/></body></opml>'
    assert read_opml(text.encode(encoding))[0].name == "Übung"


def test_a_list_without_feeds_is_empty() -> None:
    assert read_opml(opml("<outline text='x'/>")) == []


BOMB = b'<!DOCTYPE o [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><opml><body><outline text="&b;"/></body></opml>'
OUTSIDE = b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml><body>&x;</body></opml>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no OPML list"),
        (b"hello", "is no OPML list"),
        (b"<opml><body><outline", "is no OPML list"),
        (b"<rss><channel/></rss>", "begins with <rss>"),
        (b"<html><body>x</body></html>", "begins with <html>"),
        (BOMB, "not safe to read"),
        (OUTSIDE, "not safe to read"),
        (b"<opml>" + b" " * MAX_BYTES + b"</opml>", "larger than 5 MiB"),
        (opml('<outline xmlUrl="x"/>' * (MAX_OUTLINES + 1)), "more than 10000 feeds"),
    ],
    ids=["empty", "words", "broken off", "a feed", "a page", "bomb", "outside", "large", "long"],
)
def test_what_is_no_list_is_refused_with_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(OpmlError, match=words) as caught:
        read_opml(data)
    assert str(caught.value).endswith(".")


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(opml)))
def test_any_bytes_give_outlines_or_a_refusal(data: bytes) -> None:
    try:
        read_opml(data)
    except OpmlError as error:
        assert str(error).endswith(".")


WRITTEN = Outline('Ægir\'s "Paper" & Co', "https://x.example/?a=1&b=2", "https://x.example/", "is")


def test_what_is_written_is_read_again() -> None:
    others = [Outline("", "https://bare.example/feed", "", ""), Outline("افتتاح", "https://ar.example/", "", "ar")]
    data = write_opml("Ada's feeds & more", [WRITTEN, *others])
    assert read_opml(data) == [WRITTEN, *others]
    assert data.startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<opml version="2.0">\n')
    assert b"<title>Ada's feeds &amp; more</title>" in data and data.endswith(b"</opml>\n")
    assert read_opml(write_opml("", [])) == []


@settings(max_examples=50)
@given(st.text(max_size=80), st.text(max_size=40))
def test_any_name_survives_or_loses_only_what_is_no_text(name: str, title: str) -> None:
    """Names are kept as plain text, so what looks like markup is for the reader to resolve."""
    shown = clean(name).replace("<", "").replace("&", "")
    (outline,) = read_opml(write_opml(title, [Outline(shown, "https://x.example/", "", "")]))
    assert outline.name == clean(shown)[:MAX_NAME] and outline.feed_address == "https://x.example/"
