"""Outlets and the addresses of their feeds, with the rows that say when each is fetched next."""

from django.db import models

from handbill.work.models import Leased


class Source(models.Model):
    """An outlet."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    address = models.URLField(max_length=2000, blank=True, help_text="The outlet's own site.")
    language = models.CharField(max_length=35, blank=True, help_text="Used where a feed names none.")
    licence = models.CharField(max_length=200, blank=True)
    excerpt_words = models.PositiveSmallIntegerField(default=100, help_text="At most so many words are quoted.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Feed(Leased):
    """One of a source's addresses. ``next_at`` null: switched off."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="feeds")
    address = models.CharField(max_length=2000, unique=True)
    title = models.CharField(max_length=300, blank=True)
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    interval_minutes = models.PositiveIntegerField(default=30)
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
