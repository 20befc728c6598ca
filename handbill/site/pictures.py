"""Pictures of articles: resized by Wagtail, copied into the site beside the page that shows them.

They stand at ``/images/SLUG/HASH.EXT`` and go when the page goes, so that withdrawing an article withdraws its
pictures. Only pictures are copied, nothing that a browser would run, and nothing that cameras and programs write beside
the picture: place, time and maker of a photograph can give away who took it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path
from typing import Any

from django.conf import settings

from handbill.articles.models import PICTURE_SIZE, Article
from handbill.kit.pictures import bare
from handbill.site import files
from handbill.site.plan import file_of, link

log = logging.getLogger(__name__)
_KINDS = {".jpg", ".jpeg", ".png", ".webp", ".gif"}
_MOST_BYTES = 10 * 1024 * 1024
_BARE = b"bare 1"  # part of each name: raise the number when ``bare`` leaves out more


class Gallery:
    """The pictures of one article while its page is rendered; ``tidy`` removes what it no longer shows."""

    def __init__(self, folder: Path, slug: str) -> None:
        self.folder = folder
        self.slug = slug
        self.kept: set[str] = set()

    def lead(self, article: Article) -> dict[str, Any] | None:
        """``image`` for the template (address, width, height), or None: a missing file never stops the page."""
        if article.image is None:
            return None
        try:
            made = article.image.get_rendition(PICTURE_SIZE)
            with made.file.open("rb") as file:
                address = self._keep(file.read(_MOST_BYTES + 1), Path(made.file.name).suffix)
        except Exception:  # Pillow and storages raise what they like
            log.warning("The picture of article %s can't be read; its page is built without it.", article.pk)
            return None
        return {"address": address, "width": made.width, "height": made.height} if address else None

    def take_in(self, html: str) -> str:
        """Have the body's pictures, which point into the desk's media folder, point to copies in the site.

        One that can't be read is left out.
        """
        if f'"{settings.MEDIA_URL}' not in html:
            return html
        return re.sub(rf'(<img\b[^>]*?\bsrc=)"{re.escape(settings.MEDIA_URL)}([^"]+)"([^>]*>)', self._copy, html)

    def tidy(self) -> None:
        """Remove pictures of this article that its page doesn't show."""
        own = self.folder / file_of(f"/images/{self.slug}/x")
        if not own.parent.is_dir():
            return
        for path in own.parent.iterdir():
            if path.name not in self.kept:
                path.unlink()  # also drafts that a crash left, which are no public paths
        if not self.kept:
            files.prune(self.folder, own.parent)

    def _copy(self, found: re.Match[str]) -> str:
        media = settings.HANDBILL.media_folder.resolve()
        path = (media / found[2]).resolve()
        if not path.is_relative_to(media):
            return ""
        try:
            with path.open("rb") as file:
                address = self._keep(file.read(_MOST_BYTES + 1), path.suffix)
        except Exception:  # as above
            log.warning("A picture in the text of %s can't be read; it is left out.", self.slug)
            return ""
        return f'{found[1]}"{address}"{found[3]}' if address else ""

    def _keep(self, content: bytes, suffix: str) -> str:
        suffix = suffix.lower()
        if suffix not in _KINDS or len(content) > _MOST_BYTES:
            return ""
        name = hashlib.sha256(_BARE + content).hexdigest()[:20] + suffix
        path = f"/images/{self.slug}/{name}"
        if not files.there(self.folder, path):
            files.write(self.folder, path, bare(content))
        self.kept.add(name)
        return link(path)
