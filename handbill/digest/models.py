"""One dated sending of the digest and its letters; what editors decided about a day, and who did what."""

from django.db import models

from handbill.articles.models import Article, Note
from handbill.topics.models import Topic


class Issue(models.Model):
    """The digest of one slot's local day: exactly one by constraint (ADR-0090).

    Takes what was published in ``opens <= t < closes``. ``topics``: the ids in the paper's order at that time.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "articles chosen"
        COMPOSED = "composed", "letters written"
        HANDED_OVER = "handed over", "delivery has every recipient"

    date = models.DateField()
    slot = models.CharField(max_length=100, default="daily", help_text="When its readers want it; daily: the paper's.")
    opens = models.DateTimeField()
    closes = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNED)
    topics = models.JSONField(default=list)
    handed_over_at = models.DateTimeField(null=True)
    arranged = models.BigIntegerField(default=0, help_text="The last act on order or subject that its letters know.")
    public_at = models.DateTimeField(null=True, help_text="When it began to go, and so came onto the site.")
    listed = models.JSONField(default=dict, help_text="What the site shows of it: a ReadingList's ids (ADR-0100).")

    class Meta:
        ordering = ["-date", "slot"]
        constraints = [models.UniqueConstraint(fields=["date", "slot"], name="one_issue_a_day")]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d}" + ("" if self.slot == "daily" else f" ({self.slot})")


class IssueArticle(models.Model):
    """An article in its issue: at most one of each slot, by constraint, so nothing is mailed twice (ADR-0091).

    With a ``note`` it is told again, with what is new, or corrected. ``extra``: only for readers who moved here.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="entries")
    slot = models.CharField(max_length=100, default="daily")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    topics = models.JSONField(default=list, help_text="Topic ids when the issue was planned.")
    outlet = models.CharField(max_length=300, blank=True)
    story = models.BigIntegerField(null=True, db_index=True, help_text="Its story's id then.")
    placed = models.BooleanField(default=False, help_text="An editor put it there.")
    published_at = models.DateTimeField(null=True)
    note = models.ForeignKey(Note, null=True, on_delete=models.CASCADE, related_name="+")
    correction = models.BooleanField(default=False)
    extra = models.BooleanField(default=False)
    alert = models.BooleanField(default=False, help_text="The note is only for who knows the article by an alert.")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "article"], condition=models.Q(note__isnull=True, extra=False), name="told_once"
            ),
            models.UniqueConstraint(
                fields=["slot", "note"], condition=models.Q(note__isnull=False), name="note_told_once"
            ),
        ]


class Letter(models.Model):
    """One composed letter, shared by every group of readers with the same reading list, language and form.

    ``delivery`` has what it says.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="letters")
    key = models.CharField(max_length=64, help_text="Hash of the reading list.")
    articles = models.JSONField(help_text="Article ids, lead first.")
    audiences = models.JSONField(help_text="Lists of topic ids; an empty list is the whole paper.")
    language = models.CharField(max_length=20, blank=True, help_text="Of the words around the news.")
    subject = models.CharField(max_length=400)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issue", "key"], name="letter_once")]


class Alert(models.Model):
    """One article, mailed to a topic's readers between issues (ADR-0102). Nobody gets the same one twice.

    ``planned_at``: when it went; whom it reaches was decided by that moment and stands in the readers' own rows.
    """

    class State(models.TextChoices):
        APPROVED = "approved", "goes when the time to undo is over"
        UNDONE = "undone"
        PLANNING = "planning", "being written into the rows of who gets it"
        PLANNED = "planned", "in all their rows"
        HANDED_OVER = "handed over", "delivery has every recipient"
        DROPPED = "dropped", "something came in between"

    class Dropped(models.TextChoices):
        WITHDRAWN = "withdrawn", "the article is not public any more"
        RETIRED = "retired", "the topic is no more"
        LATE = "late", "it could not be sent for too long"
        NOBODY = "nobody", "nobody is reached"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    story = models.BigIntegerField(null=True, db_index=True, help_text="The article's story when it was approved.")
    subject = models.CharField(max_length=120, blank=True, help_text="Empty: the headline.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.APPROVED)
    dropped = models.CharField(max_length=10, choices=Dropped.choices, blank=True)
    approved_at = models.DateTimeField(db_index=True)
    approved_by = models.CharField(max_length=150)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)
    planned_at = models.DateTimeField(null=True)
    handed_over_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["article", "topic"],
                condition=~models.Q(state__in=["undone", "dropped"]),
                name="alerted_once",
            )
        ]

    def __str__(self) -> str:
        return f"alert:{self.pk}"


class Place(models.Model):
    """Where an editor put an article in the issues to come: 0 leads."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]


class Subject(models.Model):
    """What an editor wrote as the subject of the letters that an article leads, instead of its headline."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="+")
    text = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.text


class Day(models.Model):
    """What editors decided about all issues of a local date (``approval``). No row: nobody came."""

    date = models.DateField(unique=True)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=150, blank=True)
    held_at = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=150, blank=True)
    why = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d}"


class Standstill(models.Model):
    """Nothing is planned or sent until a person releases it, as after a restored backup (ADR-0011).

    ``told_until``: what was published before then counts as told, by issues this database doesn't know.
    """

    since = models.DateTimeField()
    why = models.CharField(max_length=300)
    released_at = models.DateTimeField(null=True)
    told_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.why


class PublishedLogo(models.Model):
    """A logo that letters showed, as it stands on the public site: kept for good, as letters are."""

    name = models.CharField(max_length=40, primary_key=True, help_text="logo-HASH.png")
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.name


class Act(models.Model):
    """What a person did about a day's issues, and when: never changed, never deleted.

    Those that change order or subject form one line: each names the one it ``follows``, so that of two made from the
    same sight of the issue only the first is taken, by constraint.
    """

    class What(models.TextChoices):
        ORDER = "order"
        SUBJECT = "subject"
        APPROVE = "approve"
        UNDO = "undo"
        HOLD = "hold"
        RELEASE = "release"
        TEST = "test"
        GO_ON = "go on"

    at = models.DateTimeField()
    who = models.CharField(max_length=150, help_text="The name they log in with.")
    what = models.CharField(max_length=10, choices=What.choices)
    date = models.DateField(help_text="Of the issues it is about.", db_index=True)
    why = models.CharField(max_length=300, blank=True, help_text="In their words, or a headline.")
    follows = models.BigIntegerField(null=True, unique=True)

    def __str__(self) -> str:
        return f"{self.what} {self.date:%Y-%m-%d}"
