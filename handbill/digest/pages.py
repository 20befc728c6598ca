"""The paper's issues on the public site: a page a day, two files of it to keep, and the archive of all (ADR-0100).

Which articles a page shows is frozen when its issue begins to go; what it says of them is what is public now, so that
one which was withdrawn or put right is so here too. There is nothing of a reader in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import get_template

from handbill.articles.queries import letter_items
from handbill.digest import issue_shown
from handbill.digest.issue_shown import IssueShown
from handbill.digest.letters import issue_path
from handbill.digest.models import Issue, IssueArticle
from handbill.digest.records import ReadingList
from handbill.digest.signals import issue_pages_changed
from handbill.digest.wording import date_line, words
from handbill.kit.paging import PER_PAGE, page_of, pages_in, span
from handbill.kit.text import xml_text
from handbill.subscribers.records import Slot
from handbill.topics.rss import outgoing_feed

TOP = "/issues/"
FEED = "/issues/feed.xml"
SHOWN_HEADLINES = 3  # of an issue in the archive
PAPER = Slot().key


def publish(issue: Issue, listed: ReadingList, now: datetime) -> None:
    """Have the site show the paper's issue from now on, as those get it who read the whole paper.

    Other slots' issues, and one without an article, have no page. Repeating is harmless.
    """
    if not has_page(issue.slot, listed):
        return
    with transaction.atomic():
        issue.public_at = issue.public_at or now
        issue.listed = {
            "articles": listed.articles,
            "updates": listed.updates,
            "corrections": listed.corrections,
        }
        issue.save(update_fields=["public_at", "listed"])
        _tell({*paths_of(issue.date), *_lists([issue.date])})


def withdraw(issue: Issue) -> None:
    """Take the issue off the site: it is about to be deleted. Call it in a transaction."""
    if issue.public_at is None:
        return
    later = _public().filter(date__gte=issue.date).values_list("date", flat=True)
    _tell({*paths_of(issue.date), *_lists(later)})


def has_page(slot: str, listed: ReadingList) -> bool:
    """Whether an issue of this slot, with this list for who reads the whole paper, has a page once it goes."""
    return slot == PAPER and bool(listed.articles)


def paths_of(day: date) -> list[str]:
    """The issue's page, and its files to keep."""
    return [issue_path(day), _file(day, "epub"), _file(day, "html")]


def standing() -> Iterator[str]:
    """Every path of the issues, for a site that is built from nothing."""
    days = list(_public().values_list("date", flat=True))
    yield from (TOP, FEED)
    yield from (_numbered(number) for number in range(1, pages_in(len(days)) + 1))
    for day in days:
        yield from paths_of(day)


def showing(articles: Collection[int]) -> set[str]:
    """What says something of any of these articles. Two queries."""
    rows = IssueArticle.objects.filter(article__in=articles, issue__slot=PAPER, issue__public_at__isnull=False)
    days = set(rows.values_list("issue__date", flat=True))
    return {path for day in days for path in paths_of(day)} | _lists(days)


class IssuePress:
    """Renders one batch of the issues' paths; ``paper`` is what every public page knows."""

    def __init__(self, paper: dict[str, Any]) -> None:
        self.paper = paper
        self._last: tuple[date, IssueShown | None] | None = None

    def __call__(self, path: str) -> bytes | None:
        """The file of ``path``; None where there is nothing to show, or nothing of the issues."""
        for shape, method in _SHAPES:
            if found := shape.fullmatch(path):
                return method(self, *found.groups())
        return None

    def _issue(self, day: str, ending: str) -> bytes | None:
        shown = self._shown(day)
        if shown is None:
            return None
        context = {"paper": self.paper, "issue": shown}
        if ending == ".epub":
            return issue_shown.book(shown, self.paper)
        if ending == ".html":
            return _render("issue_file.html", {**context, "issue": shown.elsewhere(self.paper["address"])})
        return _render("issue.html", context)

    def _shown(self, written: str) -> IssueShown | None:
        """An issue's three files come one after the other, and are made from one look at it."""
        try:
            day = date.fromisoformat(written)
        except ValueError:
            return None
        if self._last is None or self._last[0] != day:
            issue = _public().filter(date=day).first()
            self._last = day, issue_shown.look(issue, self.paper["language"]) if issue else None
        return self._last[1]

    def _top(self) -> bytes:
        rows = list(_public().order_by("-date")[: PER_PAGE + 1])
        older = _numbered(page_of(_public().count() - PER_PAGE)) if len(rows) > PER_PAGE else None
        return self._list(rows[:PER_PAGE], TOP, older=older)

    def _page(self, written: str) -> bytes | None:
        number, last = int(written), _public().count()
        if not 1 <= number <= pages_in(last):
            return None
        places = span(number)
        rows = _public().order_by("date")[places[0] - 1 : places[-1]]
        newer = _numbered(number + 1) if number < pages_in(last) else TOP
        older = _numbered(number - 1) if number > 1 else None
        return self._list([*rows][::-1], _numbered(number), number=number, newer=newer, older=older)

    def _list(self, issues: Sequence[Issue], path: str, **turns: Any) -> bytes:
        return _render("issues.html", {"paper": self.paper, "path": path, "issues": self._told(issues), **turns})

    def _feed(self) -> bytes:
        made = outgoing_feed(self.paper, f"{self.paper['name']}: {self.paper['words']['issues']}", TOP, FEED)
        for row in self._told(_public().order_by("-date")[:PER_PAGE]):
            link = self.paper["address"] + row["path"]
            made.add_item(
                title=xml_text(row["date"]),
                link=link,
                description=xml_text(" · ".join(one.headline for one in row["items"])),
                unique_id=link,
                unique_id_is_permalink=True,
                pubdate=row["at"],
            )
        return made.writeString("utf-8").encode()

    def _told(self, issues: Iterable[Issue]) -> list[dict[str, Any]]:
        """Each issue in a line of the archive, but for those of which nothing is public any more."""
        issues, said = list(issues), words(self.paper["language"])
        ids = {pk for issue in issues for pk in issue.listed["articles"]}
        known = {item.id: item for item in letter_items(sorted(ids))}
        rows = []
        for issue in issues:
            if items := [known[pk] for pk in issue.listed["articles"] if pk in known]:
                rows.append(
                    {
                        "path": issue_path(issue.date),
                        "date": date_line(said, issue.date),
                        "at": issue.public_at,
                        "count": said.count("{count} story", "{count} stories", len(items)),
                        "items": items[:SHOWN_HEADLINES],
                    }
                )
        return rows


def _render(template: str, context: dict[str, Any]) -> bytes:
    return get_template(f"public/{template}").render(context).encode()


def _public() -> QuerySet[Issue]:
    return Issue.objects.filter(slot=PAPER, public_at__isnull=False)


def _file(day: date, ending: str) -> str:
    return f"/issues/{day.isoformat()}.{ending}"


def _numbered(number: int) -> str:
    return f"/issues/{number}/"


def _lists(days: Iterable[date]) -> set[str]:
    """Where the archive and its feed name the issues of ``days``. A full page has the next one after it."""
    days = set(days)
    if not days:
        return set()
    order = list(_public().order_by("date").values_list("date", flat=True))
    places = [number for number, day in enumerate(order, 1) if day in days]
    paths = {_numbered(page_of(place)) for place in places}
    if max(places, default=0) > len(order) - PER_PAGE:
        paths |= {TOP, FEED}
    return paths | ({_numbered(pages_in(len(order)))} if len(order) in places else set())


def _tell(paths: set[str]) -> None:
    issue_pages_changed.send(Issue, paths=paths)


_DAY = "([0-9]{4}-[0-9]{2}-[0-9]{2})"
_SHAPES: list[tuple[re.Pattern[str], Callable[..., bytes | None]]] = [
    (re.compile(rf"/issues/{_DAY}(/)"), IssuePress._issue),
    (re.compile(rf"/issues/{_DAY}(\.epub|\.html)"), IssuePress._issue),
    (re.compile(r"/issues/"), IssuePress._top),
    (re.compile(r"/issues/([1-9][0-9]{0,8})/"), IssuePress._page),
    (re.compile(r"/issues/feed\.xml"), IssuePress._feed),
]
