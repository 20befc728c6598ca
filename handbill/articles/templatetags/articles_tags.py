"""Show an article's body: Wagtail's stored form expanded, then sanitised again (decision: on write and on render)."""

from django import template
from django.utils.safestring import SafeString, mark_safe
from wagtail.rich_text import expand_db_html

from handbill.articles.sanitise import clean_page

register = template.Library()


@register.filter
def article_body(html: str) -> SafeString:
    """Rich text as it may stand on a page: no script, no style, pictures of the newsroom's own only."""
    return mark_safe(clean_page(expand_db_html(html or "")))
