"""What the newsroom publishes: from a report (excerpt, credit, link) or its own words.

An Article is a Wagtail snippet, not a page (ADR-0013): draft, revisions, workflow, lock and preview come from the
mixins, topics are revisioned with it because they hang on a ClusterableModel.
"""

from typing import Any

from django.contrib.contenttypes.fields import GenericRelation
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from modelcluster.fields import ParentalManyToManyField
from modelcluster.models import ClusterableModel
from wagtail.fields import RichTextField
from wagtail.models import DraftStateMixin, LockableMixin, PreviewableMixin, RevisionMixin, WorkflowMixin

from handbill.articles.slugs import free_slug
from handbill.stories.models import Story
from handbill.topics.models import Topic
from handbill.wire.models import Report

PICTURE_SIZE = "max-1280x1600"  # of an article's picture on its page, and in the preview
RICH_TEXT = ["h2", "h3", "bold", "italic", "ol", "ul", "link", "blockquote", "image"]


class Series(models.Model):
    """Articles that number themselves ("Day 138")."""

    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)

    class Meta:
        ordering = ["name"]
        verbose_name = pgettext_lazy("one", "series")
        verbose_name_plural = _("series")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Give a new series its address, which then stays."""
        self.slug = self.slug or free_slug(type(self), self.name, 80)
        super().save(*args, **kwargs)


class Article(WorkflowMixin, DraftStateMixin, LockableMixin, RevisionMixin, PreviewableMixin, ClusterableModel):
    """Headline and excerpt, and whom to credit; or the newsroom's own text in ``body``."""

    headline = models.CharField(max_length=300)
    slug = models.SlugField(max_length=100, unique=True, allow_unicode=True)
    excerpt = models.TextField(blank=True, help_text="About 100 words that end with a sentence. Plain text.")
    body = RichTextField(blank=True, features=RICH_TEXT, help_text="Only for an article of your own.")
    image = models.ForeignKey("wagtailimages.Image", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    image_alt = models.CharField(max_length=300, blank=True, help_text="What the picture shows, for who can't see it.")
    credit = models.CharField(max_length=300, blank=True, help_text="The outlet, or the writer.")
    also_reported = models.JSONField(default=list, blank=True, help_text="Names of the other outlets with the story.")
    source_address = models.URLField(max_length=2000, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True)
    topics = ParentalManyToManyField(Topic, blank=True, related_name="articles")
    series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.SET_NULL, related_name="articles")
    series_number = models.PositiveIntegerField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="Orders the archives.")
    dated = models.BooleanField(default=True, help_text="Off: an imported article with no known date; none is shown.")
    in_digest = models.BooleanField(default=True, help_text="Goes into the next issue. Archives are never mailed.")
    story = models.ForeignKey(Story, null=True, blank=True, on_delete=models.SET_NULL, related_name="articles")
    report = models.ForeignKey(Report, null=True, blank=True, on_delete=models.SET_NULL, related_name="articles")
    report_seen = models.PositiveIntegerField(
        default=0, editable=False, help_text="The last alteration of the report that the newsroom has seen."
    )
    edition = models.PositiveIntegerField(default=0, editable=False, help_text="Rises with each public change.")

    _revisions = GenericRelation("wagtailcore.Revision", related_query_name="article")
    workflow_states = GenericRelation(
        "wagtailcore.WorkflowState",
        content_type_field="base_content_type",
        object_id_field="object_id",
        related_query_name="article",
        for_concrete_model=False,
    )

    class Meta:
        ordering = ["-published_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["series", "series_number"],
                condition=models.Q(series__isnull=False, series_number__isnull=False, live=True),
                name="one_article_per_series_number",
            ),
            models.UniqueConstraint(
                fields=["story"], condition=models.Q(story__isnull=False), name="one_article_per_story"
            ),
        ]

    def __str__(self) -> str:
        return self.headline

    @property
    def revisions(self):
        """What Wagtail calls this snippet's revisions."""
        return self._revisions

    def clean(self) -> None:
        """Refuse a series number that another article has."""
        super().clean()
        if self.series_id and self.series_number is not None:
            others = Article.objects.filter(series=self.series_id, series_number=self.series_number).exclude(pk=self.pk)
            if others.exists():
                raise ValidationError(
                    {"series_number": "Another article of this series has the number. Write another."}
                )

    def save(self, *, update_fields: Any = None, force_insert: Any = False, **kwargs: Any) -> None:
        """Give a new article its address, which then stays; leave ``edition`` and ``report_seen`` alone."""
        self.slug = self.slug or free_slug(Article, self.headline, 100)
        if update_fields is None and self.pk is not None and not force_insert:
            update_fields = _SAVED_FIELDS
        super().save(update_fields=update_fields, force_insert=force_insert, **kwargs)

    def with_content_json(self, content: dict[str, Any]) -> "Article":
        """A revision as an article. What belongs to the article and not to a revision comes from the row."""
        article = super().with_content_json(content)
        article.slug, article.edition = self.slug, self.edition
        article.story_id, article.report_id, article.report_seen = self.story_id, self.report_id, self.report_seen
        article.published_at = article.published_at or self.published_at
        return article

    def get_preview_template(self, request: HttpRequest, mode_name: str) -> list[str]:
        """The public page, so that the preview shows what readers will see."""
        return ["public/article.html", "desk/preview.html"]

    def get_preview_context(self, request: HttpRequest, mode_name: str) -> dict[str, Any]:
        from handbill.topics.paper import paper_context

        picture = self.image.get_rendition(PICTURE_SIZE) if self.image else None
        image = {"address": picture.url, "width": picture.width, "height": picture.height} if picture else None
        return {"paper": paper_context(), "article": self, "image": image, "preview": True}


class Note(models.Model):
    """What came to a public article later. Who was mailed the article is told in their next issue (ADR-0091)."""

    class Kind(models.TextChoices):
        NEWS = "news", "what is new"
        CORRECTION = "correction", "what was wrong"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField(help_text="A sentence or two, plain text.")
    at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=150, blank=True, help_text="Who wrote it, by the name they log in with.")
    withdrawn_at = models.DateTimeField(null=True, help_text="Taken back before any letter had it; told to nobody.")
    withdrawn_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return self.text


_SAVED_FIELDS = [
    *(field.name for field in Article._meta.concrete_fields if field.name not in ("id", "edition", "report_seen")),
    "topics",
]
