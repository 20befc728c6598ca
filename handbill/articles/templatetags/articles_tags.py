"""Show an article's body: Wagtail's stored form expanded, then sanitised again (decision: on write and on render)."""

import logging
import re

from django import template
from django.utils.safestring import SafeString, mark_safe
from wagtail.rich_text import expand_db_html

from handbill.articles.sanitise import clean_page

register = template.Library()
log = logging.getLogger(__name__)
_EMBED = re.compile(r"<embed\b[^>]*>")


@register.filter
def article_body(html: str) -> SafeString:
    """Rich text as it may stand on a page: no script, no style, pictures of the newsroom's own only."""
    return mark_safe(clean_page(expand_db_html(_EMBED.sub(_expanded, html or ""))))


def _expanded(embed: re.Match[str]) -> str:
    """One picture; a file that is broken takes itself away and not the article."""
    try:
        return expand_db_html(embed.group())
    except Exception:  # Pillow and storages raise what they like
        log.warning("A picture in an article's text can't be read; it is left out.")
        return ""
