"""Outlets and the addresses of their feeds, with the rows that say when each is fetched next."""

from typing import Any

from django.db import models

from handbill.kit.urls import host_name
from handbill.work.models import Leased


class Source(models.Model):
    """An outlet."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    address = models.URLField(max_length=2000, blank=True, help_text="The outlet's own site.")
    language = models.CharField(max_length=35, blank=True, help_text="Used where a feed names none.")
    licence = models.CharField(max_length=200, blank=True)
    excerpt_words = models.PositiveSmallIntegerField(default=100, help_text="At most so many words are quoted.")
    full_text = models.BooleanField(
        default=False, help_text="Fetch each article's page once, where its robots.txt allows."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Feed(Leased):
    """One of a source's addresses. ``next_at`` null: switched off, or (a newsletter) never fetched.

    A newsletter's address is ``newsletter:KEY``, where KEY is the part of a mail address that leads to it.
    """

    class Kind(models.TextChoices):
        FEED = "feed", "Feed"  # RSS, Atom, JSON Feed, CDF or a news sitemap: the document itself says which
        PAGE = "page", "Page with links"
        NEWSLETTER = "newsletter", "Newsletter"

    class Trust(models.TextChoices):
        """What an entry of this feed is known again by; it degrades by itself when that can't be trusted."""

        ID = "id", "its id"
        ADDRESS = "address", "its address"
        TITLE = "title", "its address and title"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="feeds")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.FEED)
    address = models.CharField(max_length=2000, unique=True)
    host = models.CharField(max_length=253, blank=True, db_index=True, editable=False)
    selector = models.CharField(max_length=500, blank=True, help_text="CSS selector of a page's links; empty: found.")
    matcher = models.CharField(max_length=300, blank=True, help_text="A newsletter's List-Id or From address.")
    title = models.CharField(max_length=300, blank=True)
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    interval_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minutes between visits. Empty: by the feed's own rhythm."
    )
    gap_minutes = models.PositiveIntegerField(
        null=True, blank=True, editable=False, help_text="Usually so long from one new entry to the next."
    )
    newest_at = models.DateTimeField(null=True, blank=True, help_text="When something new last came.")
    trust = models.CharField(max_length=10, choices=Trust, default=Trust.ID)
    notice = models.TextField(
        blank=True, help_text="What was done about this feed by itself, in words, for the editor."
    )
    moved_to = models.CharField(max_length=2000, blank=True, help_text="Where a permanent redirect leads.")
    moved_since = models.DateTimeField(null=True, blank=True, help_text="Since when it has led there every time.")
    moved_visits = models.PositiveIntegerField(default=0, editable=False, help_text="So many visits were led there.")
    first_filed_at = models.DateTimeField(null=True, blank=True, help_text="What came before this is backlog.")
    fetched_at = models.DateTimeField(null=True, blank=True, help_text="The last try, good or bad.")
    succeeded_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True, help_text="The first of the failed tries in a row.")
    failures = models.PositiveIntegerField(default=0, help_text="Failed tries in a row.")
    failure = models.TextField(blank=True, help_text="What went wrong last, in words; empty when all is well.")

    class Meta:
        ordering = ["source__name", "address"]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep ``host`` in step with the address."""
        self.host = host_name(self.address)
        super().save(*args, **kwargs)
