"""Bring the public site up to date: take up what changed in the articles, then write the pages that are stale.

One worker at a time (the standing job ``site``), in rounds that each take and give back the lease. A page's stale flag
falls only after its file is written, so a killed build goes on where it was. A page that can't be made is written
to the log and stays stale, as it stood; it holds up no other.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Case, When
from django.utils import timezone, translation

from handbill.articles.models import Series
from handbill.articles.queries import published
from handbill.site import files, guests, search
from handbill.site.layout import LAYOUT, fingerprint, remember_layout, written_layout
from handbill.site.models import Page
from handbill.site.plan import file_of
from handbill.site.records import Built
from handbill.site.render import Press
from handbill.site.stale import article_path, mark_stale, numbered_paths, series_path, standing_paths
from handbill.site.taking import take_up_changes
from handbill.topics.paper import assets, css_path
from handbill.work.actions import standing_job

_ROUND = 400
_JOB = "site"
_SECONDS = 60
_MOST_FAILED = 100  # pages; more than that is no fault of the pages

log = logging.getLogger(__name__)


def take_up(now: datetime) -> int:
    """Bring the archives up to date with the articles and mark stale pages; returns how many articles had changed.

    0 also when another worker is at it. Repeating is harmless.
    """
    with standing_job(_JOB, now, _SECONDS) as held:
        return take_up_changes() if held else 0


def build(now: datetime) -> Built:
    """Take up what changed, then write or remove every stale page. ``busy`` when another worker is building.

    ``now`` is when the build begins; each round's lease runs for a minute from the round's own beginning.
    """
    built = Built()
    failed: set[str] = set()
    began = monotonic()
    while True:
        with standing_job(_JOB, now, _SECONDS + int(monotonic() - began)) as held:
            if not held:
                return built.plus(Built(pages=_standing(), busy=True))
            take_up_changes()
            _follow_layout()
            step = _round(failed)
        if step is None:
            return built.plus(Built(pages=_standing()))
        built = built.plus(step)


def rebuild_all(now: datetime) -> Built:
    """Write every page anew and remove whatever doesn't belong into the site's folder; the search index too."""
    search.discard(settings.HANDBILL.search_folder)
    with transaction.atomic():
        Page.objects.update(stale=True, digest="")
        _mark_everything()
    built = build(now)
    if not built.busy:
        _sweep()
    return built


def _follow_layout() -> None:
    """Mark every page when what they share has changed, or when the site's folder or the search index is gone."""
    newsroom = settings.HANDBILL
    current = fingerprint()
    whole = not _folder_lost(newsroom.site_folder) and search.exists(newsroom.search_folder)
    if whole and written_layout() == current:
        return
    with transaction.atomic():
        Page.objects.exclude(path=LAYOUT).update(stale=True)
        _mark_everything()
        remember_layout(current)
    search.prepare(newsroom.search_folder)


def _folder_lost(folder: Path) -> bool:
    """The stylesheet, which is written first, is said to stand and doesn't."""
    return not files.there(folder, css_path()) and Page.objects.filter(path=css_path(), stale=False).exists()


def _mark_everything() -> None:
    mark_stale([*assets(), *standing_paths(), *numbered_paths(), *guests.standing()])
    mark_stale(article_path(slug) for slug in published().values_list("slug", flat=True))
    mark_stale(series_path(slug) for slug in Series.objects.values_list("slug", flat=True))


def _standing() -> int:
    return Page.objects.filter(stale=False).exclude(path=LAYOUT).count()


def _round(failed: set[str]) -> Built | None:
    """Render up to 400 stale pages but those that ``failed``, which gets more of them; None when there are none."""
    waiting = Page.objects.filter(stale=True).exclude(path__in=[LAYOUT, *failed])
    rows = list(waiting.order_by(_turn(), "path")[:_ROUND])
    if not rows:
        return None
    newsroom = settings.HANDBILL
    press = Press(newsroom.site_folder)
    with ExitStack() as stack:
        stack.enter_context(translation.override(newsroom.language))
        stack.enter_context(timezone.override(newsroom.zone))
        press.gather(row.path for row in rows)
        built = Built()
        for row in rows:
            built = built.plus(_write(press, row, failed))
    done = [row for row in rows if row.path not in failed]
    search.update(newsroom.search_folder, [(row.path, press.article_of(row.path)) for row in done])
    _settle(done)
    return built


def _turn() -> Case:
    """What others lead to comes first: assets, articles, lists, the front page; an old asset goes last."""
    return Case(
        When(path__in=list(assets()), then=0),
        When(path__startswith="/article/", then=1),
        When(path="/", then=3),
        When(path__startswith="/assets/", then=4),
        default=2,
    )


def _write(press: Press, row: Page, failed: set[str]) -> Built:
    try:
        content = press.render(row.path)
    except DatabaseError:
        raise
    except Exception:
        failed.add(row.path)
        if len(failed) > _MOST_FAILED:
            raise
        log.exception("The page %s can't be made. It stays as it stood and is tried again at the next build.", row.path)
        return Built(failed=1)
    if content is None:
        row.digest = ""
        return Built(removed=int(files.remove(press.folder, row.path)))
    digest = hashlib.sha256(content).hexdigest()
    if digest == row.digest and files.there(press.folder, row.path):
        return Built(unchanged=1)
    files.write(press.folder, row.path, content)
    row.digest = digest
    return Built(written=1)


def _settle(rows: list[Page]) -> None:
    """Note what is written, but not for a page that was marked again meanwhile."""
    with transaction.atomic():
        for row in rows:
            same = Page.objects.filter(path=row.path, mark=row.mark)
            if row.digest:
                same.update(stale=False, digest=row.digest)
            else:
                same.delete()


def _sweep() -> None:
    """Remove files that no page accounts for; pictures are looked after by their article's page."""
    folder = settings.HANDBILL.site_folder
    paths = set(Page.objects.exclude(path=LAYOUT).values_list("path", flat=True))
    wanted = {file_of(path) for path in paths}
    shown = {file_of(path).split("/")[1] for path in paths if path.startswith("/article/")}
    for name in files.names(folder):
        parts = name.split("/")
        if name not in wanted and not (parts[0] == "images" and len(parts) == 3 and parts[1] in shown):
            (folder / name).unlink(missing_ok=True)
