"""What outlets published, cleaned and kept: one row for one outlet's article."""

from django.db import models

from handbill.sources.models import Feed, Source


class Report(models.Model):
    """An entry, sanitised and filed once. All text fields are plain text but ``body_html``."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="reports")
    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="reports")
    identity = models.CharField(max_length=64, help_text="Hash of the entry's id, else its link, else its title.")
    address = models.CharField(max_length=2000, blank=True)
    title = models.CharField(max_length=500)
    author = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=35, blank=True)
    categories = models.JSONField(default=list, blank=True)
    body_html = models.TextField(blank=True)
    text = models.TextField(blank=True)
    published_at = models.DateTimeField(db_index=True, help_text="As claimed, but never in the future.")
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="What the feed said, if anything.")
    filed_at = models.DateTimeField(db_index=True)
    backlog = models.BooleanField(default=False, help_text="Came with the first fetch of its feed: never mailed.")

    class Meta:
        ordering = ["-published_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["source", "identity"], name="report_filed_once")]

    def __str__(self) -> str:
        return self.title
