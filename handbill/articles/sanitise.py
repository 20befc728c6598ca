"""Only what the editor's own toolbar could have made, whoever wrote it (ADR-0013). Pure.

Applied when a body comes from outside and again when one is shown, so that neither step has to trust the other.
"""

import nh3

_TAGS = {"p", "br", "h2", "h3", "b", "strong", "i", "em", "ol", "ul", "li", "a", "blockquote"}
_SCHEMES = {"http", "https", "mailto"}
_REL = "noopener noreferrer"


def clean_body(html: str) -> str:
    """A foreign body as rich text: words, lists and links stay; pictures, frames, scripts and styles go."""
    return nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES, link_rel=_REL)


def clean_page(html: str) -> str:
    """Expanded rich text, safe to show: as ``clean_body``, and pictures that the newsroom serves itself."""
    return nh3.clean(
        html,
        tags=_TAGS | {"img"},
        attributes={"a": {"href"}, "img": {"src", "alt", "width", "height", "class"}},
        attribute_filter=_own_pictures,
        url_schemes=_SCHEMES,
        link_rel=_REL,
    )


def _own_pictures(tag: str, name: str, value: str) -> str | None:
    foreign = tag == "img" and name == "src" and (not value.startswith("/") or value.startswith(("//", "/\\")))
    return None if foreign else value
