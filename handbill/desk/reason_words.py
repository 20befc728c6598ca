"""Why a report is in its story, in the editor's words. What the outlets said stays in theirs, set apart from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from handbill.stories.reasons import Kind, Reason, span

_SAYS = {
    Kind.COPY: gettext_lazy("It has the same text as {}."),
    Kind.TITLE: gettext_lazy("Same words in the title: {}."),
    Kind.NAMED: gettext_lazy("Same people and places: {}."),
    Kind.TEXT: gettext_lazy("Same words in the text: {}."),
    Kind.SAID: "{}",
}
_APART: dict[str, Callable[[int], str]] = {
    "day": lambda n: ngettext("Published {} day apart.", "Published {} days apart.", n),
    "hour": lambda n: ngettext("Published {} hour apart.", "Published {} hours apart.", n),
    "minute": lambda n: ngettext("Published {} minute apart.", "Published {} minutes apart.", n),
}
_OF_THE_REPORTS = (Kind.TITLE, Kind.NAMED, Kind.TEXT)  # kinds whose values are in the reports' language


def why_in_words(why: Sequence[Reason], language: str) -> list[SafeString]:
    """Each reason as a sentence in HTML. ``language`` is that of the reports, or empty."""
    return [_in_words(reason, language) for reason in why]


def _in_words(reason: Reason, language: str) -> SafeString:
    if reason.kind is Kind.APART:
        count, unit = span(int(reason.values[0]))
        return format_html(_APART[unit](count) if count else _("Published at the same time."), count)
    lang = format_html(' lang="{}"', language) if language and reason.kind in _OF_THE_REPORTS else ""
    told = format_html("<bdi{}>{}</bdi>", lang, ", ".join(map(str, reason.values)))
    return format_html(str(_SAYS[reason.kind]), told)
