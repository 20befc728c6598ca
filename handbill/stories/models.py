"""The reports of one event, together, with the reasons in words."""

from django.db import models

from handbill.wire.models import Report


class Story(models.Model):
    """One event. ``opened_at`` and ``latest_at`` are the first and last publication among its reports."""

    title = models.CharField(max_length=500)
    language = models.CharField(max_length=35, blank=True)
    opened_at = models.DateTimeField(db_index=True)
    latest_at = models.DateTimeField(db_index=True)
    outlets = models.PositiveIntegerField(default=1, help_text="Outlets with a report that is no copy.")
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-latest_at", "-pk"]
        verbose_name_plural = "stories"

    def __str__(self) -> str:
        return self.title


class Member(models.Model):
    """A report's place in its story: exactly one, by constraint."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="member")
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="members")
    copy_of = models.ForeignKey(Report, null=True, blank=True, on_delete=models.SET_NULL, related_name="copies")
    why = models.JSONField(default=list, help_text="Reasons as sentences, strongest first.")

    class Meta:
        ordering = ["report__published_at", "pk"]

    def __str__(self) -> str:
        return f"{self.report_id} in {self.story_id}"
