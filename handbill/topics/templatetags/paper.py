"""Filters of the public templates. An article here is anything with an Article's fields: also an unsaved preview."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from django import template
from django.template.loader import get_template
from django.utils.html import format_html

from handbill.kit.text import language_direction
from handbill.topics import wording

register = template.Library()
_SUMMARY = 200


@register.simple_tag(takes_context=True)
def once(context: template.Context, name: str, here: str | None = None) -> str:
    """A part that is the same on every page of this ``paper`` (but for ``here``, a topic's slug): rendered once."""
    paper = context["paper"]
    made: dict[tuple[str, str | None], str] = paper.setdefault("made", {})
    if (name, here) not in made:
        made[name, here] = get_template(name).render({"paper": paper, "here": here})
    return made[name, here]


@register.filter
def topic_path(topic: Any) -> str:
    """``/topic/SLUG/``, quoted for a link."""
    return f"/topic/{quote(topic.slug)}/"


@register.filter
def article_path(article: Any) -> str:
    """``/article/SLUG/``, quoted for a link."""
    return f"/article/{quote(article.slug or '')}/"


@register.filter
def series_path(series: Any) -> str:
    """``/series/SLUG/``, quoted for a link."""
    return f"/series/{quote(series.slug)}/"


@register.filter
def topics_of(article: Any) -> list[Any]:
    """Its topics; ``shown_topics`` when the caller loaded them in one go."""
    shown = getattr(article, "shown_topics", None)
    return list(article.topics.all()) if shown is None else shown


@register.filter
def foreign(article: Any, language: str) -> str:
    """`` lang=… dir=…`` when the article is in another language than its page."""
    code = article.language
    if not code or code == language:
        return ""
    return format_html(' lang="{}" dir="{}"', code, language_direction(code))


@register.filter
def also_reported(article: Any, words: dict[str, str]) -> str:
    """“also City Desk and 2 more”, or nothing."""
    names = [str(name) for name in article.also_reported or [] if name]
    if not names:
        return ""
    text = wording.fill(words["also"], names[0])
    return text if len(names) == 1 else f"{text} {wording.fill(words['more'], len(names) - 1)}"


@register.filter
def fill(text: str, value: object) -> str:
    """The layout's words with a value for their ``{}``; escaped like any text."""
    return wording.fill(text, value)


@register.filter
def source_link(article: Any) -> str:
    """The outlet's own address, only if it is one of the web."""
    address = article.source_address or ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.netloc else ""


@register.filter
def summary(article: Any) -> str:
    """The excerpt in at most 200 characters, cut at a word."""
    text = " ".join((article.excerpt or "").split())
    if len(text) <= _SUMMARY:
        return text
    return text[:_SUMMARY].rsplit(" ", 1)[0].rstrip(",;:–- ") + " …"


@register.filter
def one_line(text: str) -> str:
    """Lines of a postal address side by side."""
    return ", ".join(line.strip(" ,") for line in text.splitlines() if line.strip(" ,"))
