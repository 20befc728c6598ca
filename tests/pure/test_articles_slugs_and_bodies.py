"""Addresses are never given twice; a body is harmless however it was written."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from handbill.articles.sanitise import clean_body, clean_page
from handbill.articles.slugs import next_slug

HARMLESS = st.sampled_from(["<p>", "</p>", "<b>", "text", "<a href='", "https://a.example'>", "</a>", '"', "'", ">"])
HARMFUL = st.sampled_from(
    [
        "<script>",
        "</script>",
        "<img src=x onerror=alert(1)>",
        "<img src='https://spy.example/p.gif'>",
        "<img src='//spy.example/p.gif'>",
        "<img src='/\\spy.example/p.gif'>",
        "<iframe src='https://spy.example'>",
        "javascript:alert(1)'>",
        "<svg onload=alert(1)>",
        "<style>",
        "<a href='data:text/html,x'>",
        " onclick='x()'",
        " style='background:url(//spy.example)'",
        "<base href='//spy.example'>",
        "<form action='//spy.example'>",
        "\0",
    ]
)


@given(st.text(min_size=1, max_size=60), st.integers(20, 100), st.integers(1, 40))
def test_a_slug_is_new_and_short_enough(wish: str, limit: int, times: int) -> None:
    taken: set[str] = set()
    for _ in range(times):
        slug = next_slug(wish, taken, limit)
        assert slug not in taken and 0 < len(slug) <= limit
        taken.add(slug)


def test_the_first_keeps_its_wish_and_the_next_are_numbered() -> None:
    assert next_slug("ferry", set(), 20) == "ferry"
    assert next_slug("ferry", {"ferry", "ferry-2"}, 20) == "ferry-3"
    assert next_slug("a" * 30, {"a" * 20}, 20) == "a" * 18 + "-2"


@given(st.lists(HARMLESS | HARMFUL, max_size=12))
def test_no_mixture_of_markup_runs_or_calls_anybody(parts: list[str]) -> None:
    html = "".join(parts)
    for shown in (clean_body(html), clean_page(html)):
        for tag, attributes in _tags(shown):
            assert tag in TAGS and set(attributes) <= ATTRIBUTES and "src" not in attributes, shown
            scheme, colon, _ = attributes.get("href", "").partition(":")
            assert not colon or not scheme.isalpha() or scheme in ("http", "https", "mailto"), shown


TAGS = {"p", "br", "h2", "h3", "b", "strong", "i", "em", "ol", "ul", "li", "a", "blockquote", "img"}
ATTRIBUTES = {"href", "rel", "src", "alt", "width", "height", "class"}


def _tags(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every tag as a browser would read it, with its attributes."""
    found: list[tuple[str, dict[str, str]]] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attributes: found.append((tag, {k: v or "" for k, v in attributes}))
    reader.feed(html)
    reader.close()
    return found


def test_what_the_toolbar_makes_stays() -> None:
    html = '<h2>A</h2><p><b>b</b> <i>i</i> <a href="https://a.example/?q=1&amp;r=2">l</a></p><ul><li>x</li></ul>'
    assert clean_body(html).replace(' rel="noopener noreferrer"', "") == html
    assert 'src="/media/images/quay.png"' in clean_page('<img alt="Quay" src="/media/images/quay.png">')
    assert clean_body('<img src="/media/images/quay.png">') == ""
