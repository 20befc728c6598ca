"""The one public page of the site that is not a file: search."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.views.decorators.http import require_safe

from handbill.articles.queries import published
from handbill.kit.clock import now
from handbill.site import search
from handbill.site.render import Press
from handbill.topics.wording import fill

_SIZE = 20
_LAST_PAGE = 10


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """``/search/?q=WORDS&page=N``: never an error for what is typed; 503 while there is no index."""
    words = " ".join(request.GET.get("q", "").replace("\0", " ").split())[: search.MOST_QUERY]
    page = _page(request.GET.get("page", "1"))
    newsroom = settings.HANDBILL
    press = Press(newsroom.site_folder)
    with translation.override(newsroom.language), timezone.override(newsroom.zone):
        context, status = _results(press, words, page)
        content = press.page("search", {"query": words, **context})
    headers = {"Cache-Control": "private, max-age=60", "Content-Language": newsroom.language}
    return HttpResponse(content, status=status, headers=headers)


def _results(press: Press, words: str, page: int) -> tuple[dict[str, object], int]:
    if not words:
        return {}, 200
    try:
        found = search.search(settings.HANDBILL.search_folder, words, now(), page, _SIZE)
    except search.SearchMissing:
        return {"trouble": press.paper["words"]["search_missing"]}, 503
    rows = published().filter(pk__in=found.ids).select_related("series").defer("body").in_bulk()
    context: dict[str, object] = {
        "summary": _summary(press.paper["words"], words, found.total),
        "entries": press.entries(rows[pk] for pk in found.ids if pk in rows),
        "newer": _address(words, page - 1) if page > 1 else None,
        "older": _address(words, page + 1) if page * _SIZE < found.total else None,
    }
    return context, 200


def _summary(phrases: dict[str, str], words: str, total: int) -> str:
    if not total:
        return fill(phrases["found_none"], words)
    if total >= search.MOST_HITS:
        return fill(phrases["found_most"], total)
    return phrases["found_one"] if total == 1 else fill(phrases["found_many"], total)


def _address(words: str, page: int) -> str:
    return "/search/?" + urlencode({"q": words, "page": page})


def _page(text: str) -> int:
    return min(int(text), _LAST_PAGE) if text.isascii() and text.isdigit() and text.strip("0") and len(text) < 4 else 1
