"""What stands in the static site: which edition of each article was taken up, its place in each archive, each page.

All of it follows from ``articles`` and can be made anew; the rows only say what is already done.
"""

from django.db import models

from handbill.articles.models import Article, Series
from handbill.topics.models import Topic


class TakenUp(models.Model):
    """The edition of an article that the site knows; a lower one than the article's means work to do."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, primary_key=True, related_name="+")
    edition = models.PositiveIntegerField()
    slug = models.CharField(max_length=100, default="", help_text="The address its page was given.")
    series = models.ForeignKey(Series, null=True, on_delete=models.SET_NULL, related_name="+")
    series_number = models.PositiveIntegerField(null=True)


class Entry(models.Model):
    """An article's place in one archive; ``topic`` null is the archive of everything.

    Numbered from the oldest (1, 2, 3, …), so that a full page never changes when something new comes (ADR-0014).
    """

    topic = models.ForeignKey(Topic, null=True, on_delete=models.CASCADE, related_name="+")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    published_at = models.DateTimeField()
    position = models.PositiveIntegerField()
    withdrawn = models.BooleanField(default=False)

    class Meta:
        ordering = ["-position"]
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["topic", "article"], name="entry_once"),
            models.UniqueConstraint(
                fields=["article"], condition=models.Q(topic__isnull=True), name="entry_of_everything_once"
            ),
        ]
        indexes = [models.Index(fields=["topic", "position"]), models.Index(fields=["topic", "published_at"])]


class Page(models.Model):
    """One file of the site. ``stale``: must be written again (or removed, when nothing is left to show)."""

    path = models.CharField(max_length=300, primary_key=True, help_text="/topic/city/2/")
    stale = models.BooleanField(default=True, db_index=True)
    mark = models.CharField(max_length=16, default="", help_text="New with each marking, so that none is lost.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file as written.")

    def __str__(self) -> str:
        return self.path
