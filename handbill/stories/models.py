"""The reports of one event, together, with the reasons; and what editors ruled of them (ADR-0031)."""

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from handbill.topics.models import Topic
from handbill.wire.models import Report


class Story(models.Model):
    """One event. ``opened_at`` and ``latest_at`` are the first and last publication among its reports.

    ``outlets`` is 0 for a story whose reports an editor put elsewhere: its row is kept for Undo.
    """

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
    """A report's place in its story: exactly one, by constraint.

    ``series``, ``number`` and ``counting`` are what its title says of a series, sure or not: its name and the part's
    number, or the ordinal of its date; of a series without a name, how it counts ("Day …").
    """

    class Counting(models.IntegerChoices):
        NUMBERED = 0, "by numbers"
        DATED = 1, "by dates"
        UNNAMED = 2, "by numbers, without a name"

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="member")
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="members")
    copy_of = models.ForeignKey(Report, null=True, blank=True, on_delete=models.SET_NULL, related_name="copies")
    why = models.JSONField(default=list, help_text="[kind, values] of each reason (``reasons``), strongest first.")
    series = models.CharField(max_length=200, blank=True, help_text="The series its title says it is a part of.")
    number = models.PositiveIntegerField(null=True, blank=True, help_text="Which part.")
    counting = models.PositiveSmallIntegerField(choices=Counting, default=Counting.NUMBERED)

    class Meta:
        ordering = ["report__published_at", "pk"]
        indexes = [models.Index(fields=["series", "number"], name="members_of_a_series")]

    def __str__(self) -> str:
        return f"{self.report_id} in {self.story_id}"


class _Use(models.BigIntegerField):
    """A whole number of 63 bits. SQLite orders a table by a key of this very type, without an index beside it."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """The column's type."""
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class Mark(models.Model):
    """A mark and a report that has it, as one number: ``hash << 28 | report`` (see ``copies``).

    Only the newest lie here: ``marked.put_away`` moves them to shelves. The report may be gone: no foreign key, which
    would cost an index.
    """

    use = _Use(primary_key=True)

    def __str__(self) -> str:
        return str(self.use)


class Shelf(models.Model):
    """The marks of some days ago and older, of one ``slot`` of hashes: their uses, ascending, of eight bytes each.

    A shelf is rewritten once in some days at most, so that old marks cost neither a row each nor a page for each new
    one. Source: ADR-0080.
    """

    slot = _Use(primary_key=True)
    uses = models.BinaryField()

    def __str__(self) -> str:
        return f"shelf {self.slot}"


class Marked(models.Model):
    """A report whose text's marks are kept: their ``rate``, and the number (``size``) of those that are its own."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, primary_key=True, related_name="marked")
    rate = models.PositiveSmallIntegerField()
    size = models.PositiveSmallIntegerField()
    all_own = models.BooleanField(help_text="A version of one text: what other texts of its outlet have is its own.")

    def __str__(self) -> str:
        return f"marks of {self.report_id}"


class Grouping(models.Model):
    """How this newsroom groups, in one row. Who changes places of reports locks it first.

    ``acts`` rises with each act of an editor: a round that read another count than it finds saves nothing.
    """

    class Strictness(models.IntegerChoices):
        """What is asked beyond the evidence that grouping asks for by itself."""

        LOOSE = -2, "loose"
        RATHER_LOOSE = -1, "rather loose"
        EVEN = 0, "even"
        RATHER_STRICT = 1, "rather strict"
        STRICT = 2, "strict"

    strictness = models.SmallIntegerField(choices=Strictness, default=Strictness.EVEN)
    acts = models.PositiveIntegerField(default=0)
    all_placed_to = models.BigIntegerField(default=0, help_text="Number up to which every report had its place.")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_grouping")]

    def __str__(self) -> str:
        return self.get_strictness_display()


class Ruling(models.Model):
    """One act of an editor: some reports belong with some others, and not with others. Kept, also when undone."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Ruled(models.Model):
    """A report's part in a ruling. ``came_from`` is the story that a moved one was in before."""

    class Side(models.IntegerChoices):
        MOVED = 0, "what was moved"
        WITH = 1, "what it belongs with"
        WITHOUT = 2, "what it does not belong with"

    ruling = models.ForeignKey(Ruling, on_delete=models.CASCADE, related_name="reports")
    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="+")
    side = models.SmallIntegerField(choices=Side)
    came_from = models.ForeignKey(Story, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["ruling", "report"], name="one_side_of_a_ruling")]

    def __str__(self) -> str:
        return f"{self.report_id} in {self.ruling_id}"


class Example(models.Model):
    """An article as it was before its topics were chosen, and the choice: what topic suggestion learns from.

    ``articles`` hands it down; ``article`` and ``edition`` are its numbers, ``day`` the ordinal of its date.
    """

    article = models.PositiveBigIntegerField(unique=True)
    edition = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    language = models.CharField(max_length=35, blank=True)
    outlet = models.CharField(max_length=200, blank=True)
    day = models.PositiveIntegerField()
    told_at = models.DateTimeField()
    topics = models.ManyToManyField(Topic, related_name="examples")

    class Meta:
        ordering = ["day", "article"]

    def __str__(self) -> str:
        return self.title


class TopicSense(models.Model):
    """What was learned of the examples, in one row: ``data`` as ``suggest.dump`` gives it, empty while too little.

    ``learned_of`` tells by which examples; ``digest`` is that of ``data``.
    """

    data = models.BinaryField()
    learned_of = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_sense_of_topics")]

    def __str__(self) -> str:
        return self.digest
