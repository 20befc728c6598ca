"""What outlets published, cleaned and kept: one row for one outlet's article; and what the wire remembers to do it."""

from django.db import models

from handbill.sources.models import Feed, Source
from handbill.work.models import Leased


class Report(models.Model):
    """An entry, sanitised and filed once. All text fields are plain text but ``body_html``.

    When the outlet rewrites it, these fields hold the new text and a ReportVersion the old one.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="reports")
    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="reports")
    identity = models.CharField(max_length=64, help_text="Hash of the entry's id, else its link, else its title.")
    address = models.CharField(max_length=2000, blank=True)
    name_key = models.CharField(max_length=16, blank=True, help_text="Hash of address and title, to look both up by.")
    title = models.CharField(max_length=500)
    author = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=35, blank=True)
    categories = models.JSONField(default=list, blank=True)
    body_html = models.TextField(blank=True)
    text = models.TextField(blank=True)
    media = models.JSONField(default=list, blank=True, help_text="Enclosures and pictures, named but never fetched.")
    licence = models.CharField(max_length=300, blank=True, help_text="As the feed gives it: an address or words.")
    published_at = models.DateTimeField(db_index=True, help_text="As claimed, but never in the future.")
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="What the feed said, if anything.")
    updated_at = models.DateTimeField(null=True, blank=True, help_text="The change the feed claims, if any.")
    filed_at = models.DateTimeField(db_index=True)
    backlog = models.BooleanField(default=False, help_text="Came with the first fetch of its feed: never mailed.")
    changed_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="When we last saw a rewrite.")
    withdrawn_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="When the outlet took it back.")
    returned_at = models.DateTimeField(null=True, blank=True, help_text="When it stood there again after all.")
    alterations = models.PositiveIntegerField(default=0, help_text="Rises with each rewrite, withdrawal and return.")
    full_text = models.BooleanField(default=False, help_text="The text is that of the article's page, not the feed's.")
    words = models.CharField(max_length=16, blank=True, help_text="Hash of what the feed last said, without its gaps.")

    class Meta:
        ordering = ["-published_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["source", "identity"], name="report_filed_once")]
        indexes = [
            models.Index(fields=["source", "name_key"], name="report_by_name"),
            models.Index(fields=["alterations"], name="report_altered"),
        ]

    def __str__(self) -> str:
        return self.title


class ReportVersion(models.Model):
    """What a report said before its outlet rewrote it. ``number`` is the alteration that replaced it."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=0)
    title = models.CharField(max_length=500)
    text = models.TextField(blank=True)
    words = models.CharField(max_length=16, blank=True, help_text="Hash of title and text, without their gaps.")
    replaced_at = models.DateTimeField()

    class Meta:
        ordering = ["report", "number"]
        constraints = [models.UniqueConstraint(fields=["report", "number"], name="one_version_per_alteration")]

    def __str__(self) -> str:
        return self.title


class LastReading(models.Model):
    """What the last reading of a feed held, so that the next one looks only at what is new."""

    feed = models.OneToOneField(Feed, on_delete=models.CASCADE, primary_key=True, related_name="last_reading")
    body_hash = models.CharField(max_length=32, blank=True, help_text="Of the bytes: the same again need no reading.")
    marks = models.JSONField(default=list, blank=True, help_text="[identity, fingerprint] of each entry, in order.")

    def __str__(self) -> str:
        return f"last reading of {self.feed_id}"


class Absence(Leased):
    """A report that its feed left out although older ones still stand in it: its page is asked whether it is gone."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, primary_key=True, related_name="absence")
    denials = models.PositiveIntegerField(default=0, help_text="How often the page was not found.")
    failures = models.PositiveIntegerField(default=0, help_text="Visits without an answer.")

    def __str__(self) -> str:
        return f"absence of {self.report_id}"


class PageVisit(Leased):
    """A report whose page is to be fetched once for its full text. ``next_at`` null: done or given up."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, primary_key=True, related_name="page_visit")
    failures = models.PositiveIntegerField(default=0)
    failure = models.TextField(blank=True, help_text="Why there is no full text, in words; empty when all is well.")

    def __str__(self) -> str:
        return f"page of {self.report_id}"


class HostRules(models.Model):
    """A host's robots.txt as last fetched; obeyed for pages."""

    host = models.CharField(max_length=253, primary_key=True)
    text = models.TextField(blank=True)
    closed = models.BooleanField(default=False, help_text="The file could not be had: nothing may be fetched for now.")
    fetched_at = models.DateTimeField()
    open_at = models.DateTimeField(null=True, blank=True, help_text="No page is fetched before, as the host asks.")

    def __str__(self) -> str:
        return self.host


class Push(Leased):
    """A WebSub subscription: the hub tells us when the feed changes. ``next_at``: when to ask the hub, or ask again.

    Its secret is derived from the newsroom's keys and ``token``; it is not kept here (ADR-0029).
    """

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="pushes")
    hub = models.CharField(max_length=2000)
    topic = models.CharField(max_length=2000)
    token = models.CharField(max_length=64, unique=True, help_text="Names the subscription in its callback's address.")
    ending = models.BooleanField(default=False, help_text="The hub is asked to stop; then the row goes.")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the hub was last asked.")
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When it last made sure that we had asked.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Until when the hub has promised to tell us.")
    told_at = models.DateTimeField(null=True, blank=True, help_text="When the hub last told us something.")
    failures = models.PositiveIntegerField(default=0)
    failure = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feed"], condition=models.Q(ending=False), name="push_wanted_once")
        ]

    def __str__(self) -> str:
        return self.topic


class HeldMail(models.Model):
    """A mail among the newsletters that a person has to look at, for the reason ``why``. Deleted once it is settled."""

    class Why(models.TextChoices):
        UNKNOWN = "unknown", "Nobody has said yet which source it comes from"
        CONFIRM = "confirm", "It asks to confirm a subscription"
        AUTOMATIC = "automatic", "A machine answered: no newsletter"
        UNREADABLE = "unreadable", "It can't be read"
        ASSIGNED = "assigned", "It is about to be filed"
        DISCARDED = "discarded", "A person put it aside; kept for some days, so that this can be undone"

    identity = models.CharField(max_length=64, unique=True, help_text="Hash of its Message-ID, or else of its bytes.")
    why = models.CharField(max_length=12, choices=Why)
    note = models.TextField(blank=True, help_text="What is wrong with it, in words; empty when nothing is.")
    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, null=True, blank=True, related_name="held_mails")
    sender = models.CharField(max_length=300, blank=True, help_text="The name and domain it came from.")
    matcher = models.CharField(max_length=300, blank=True, db_index=True, help_text="Its List-Id, or else its From.")
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True, help_text="The beginning of what it says, as plain text.")
    links = models.JSONField(default=list, blank=True, help_text="[text, address] of its links, in order.")
    received_at = models.DateTimeField(db_index=True)
    data = models.BinaryField()

    class Meta:
        ordering = ["-received_at", "-pk"]

    def __str__(self) -> str:
        return self.subject or self.sender
