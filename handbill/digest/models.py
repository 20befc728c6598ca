"""One dated sending of the digest and its letters."""

from django.db import models

from handbill.articles.models import Article


class Issue(models.Model):
    """The digest of one local day: exactly one by constraint. Takes what was published in ``opens <= t < closes``."""

    class State(models.TextChoices):
        PLANNED = "planned", "articles chosen"
        COMPOSED = "composed", "letters written"
        HANDED_OVER = "handed over", "delivery has every recipient"

    date = models.DateField(unique=True)
    opens = models.DateTimeField()
    closes = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNED)

    class Meta:
        ordering = ["-date"]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d}"


class IssueArticle(models.Model):
    """An article in its issue: at most one issue, by constraint, so nothing is mailed twice."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="entries")
    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    topics = models.JSONField(default=list, help_text="Topic ids when the issue was planned.")

    class Meta:
        ordering = ["position"]


class Letter(models.Model):
    """One composed letter, shared by every audience with the same reading list; ``delivery`` has what it says."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="letters")
    key = models.CharField(max_length=64, help_text="Hash of the reading list.")
    articles = models.JSONField(help_text="Article ids, lead first.")
    audiences = models.JSONField(help_text="Lists of topic ids; an empty list is the whole paper.")
    subject = models.CharField(max_length=400)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issue", "key"], name="letter_once")]
