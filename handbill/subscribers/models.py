"""People who asked for the paper: consent, what they chose, and how they left. Addresses are sealed (ADR-0009)."""

import uuid

from django.db import models

from handbill.topics.models import Topic
from handbill.work.models import Leased


class Import(models.Model):
    """A list that was brought in, and what became of its rows. The file itself is not kept."""

    at = models.DateTimeField()
    by = models.CharField(max_length=150, help_text="Who brought it in.")
    kind = models.CharField(max_length=20, help_text="mailchimp, substack, csv, …")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file.")
    counts = models.JSONField(default=dict, help_text="Rows by what became of them; empty until all are through.")
    asking_since = models.DateTimeField(null=True, help_text="Since when those who are held are asked, once each.")
    a_day = models.PositiveIntegerField(default=0, help_text="How many of them a day.")

    def __str__(self) -> str:
        return f"{self.kind} of {self.at:%Y-%m-%d}"


class Upload(Leased):
    """A list that was given in at the desk, in a file of the newsroom's own until it is done (``lists_in.uploads``).

    It is tried first, changing nothing, and brought in when a person has looked.
    """

    class State(models.TextChoices):
        TRYING = "trying", "to be tried, or being tried"
        TRIED = "tried", "what it would do is known"
        BRINGING = "bringing", "to be brought in, or being brought in"
        BROUGHT = "brought"
        FAILED = "failed"

    at = models.DateTimeField()
    by = models.CharField(max_length=150, help_text="Who gave it in.")
    name = models.CharField(max_length=150, help_text="The file's own.")
    file = models.CharField(max_length=64, unique=True, help_text="Its name in the newsroom's folder: random.")
    program = models.CharField(max_length=20, blank=True, help_text="Whose export it is; empty: recognised.")
    proof = models.CharField(max_length=500, blank=True, help_text="The editor's word that all of them consented.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.TRYING)
    begun = models.PositiveSmallIntegerField(default=0, help_text="How often this step was begun.")
    percent = models.PositiveSmallIntegerField(default=0, help_text="Of the file that this step is through.")
    kind = models.CharField(max_length=100, blank=True, help_text="Whose export it turned out to be.")
    counts = models.JSONField(default=dict, help_text="Rows by what becomes of them.")
    ended = models.PositiveIntegerField(default=0, help_text="Readers whose subscription it ended.")
    passed_over = models.JSONField(default=list, help_text="Files of an archive that hold no addresses.")
    trouble = models.CharField(max_length=300, blank=True, help_text="Why it failed.")

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class Export(models.Model):
    """A list that a person took out. ``canary_hash``: an address of ours stands in it that nobody else has."""

    at = models.DateTimeField()
    by = models.CharField(max_length=150, help_text="Who took it.")
    kind = models.CharField(max_length=20, help_text="csv, json")
    rows = models.PositiveIntegerField()
    canary_hash = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"{self.rows} rows on {self.at:%Y-%m-%d}"


class Subscriber(models.Model):
    """A person with an address, and what they want. ``confirmed_at`` null: has not pressed the button, gets no issue.

    ``audience`` repeats what their running subscriptions say, so that a million readers are counted by one query over
    one table (ADR-0050): topic ids in order, joined by commas; empty for the whole paper; null when nothing is running.
    """

    class Cadence(models.TextChoices):
        DAILY = "daily"
        WEEKDAYS = "weekdays"
        WEEKLY = "weekly"
        NEWS = "news", "only when a chosen topic has news"

    class Form(models.TextChoices):
        EXCERPTS = "excerpts"
        HEADLINES = "headlines"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address_sealed = models.BinaryField(help_text="AES-GCM, bound to the id.")
    address_hash = models.CharField(max_length=64, unique=True, help_text="HMAC of the normalised address.")
    wished = models.TextField(default="", blank=True, help_text="Topics to begin with, as in ``audience``.")
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True, help_text="When a confirmation was last mailed.")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    brought_by = models.ForeignKey(Import, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    audience = models.TextField(null=True, blank=True)
    cadence = models.CharField(max_length=10, choices=Cadence.choices, default=Cadence.DAILY)
    weekday = models.PositiveSmallIntegerField(null=True, help_text="Of a weekly issue: 1 is Monday, 7 Sunday.")
    hour = models.PositiveSmallIntegerField(null=True, help_text="0 to 23; null: the paper's.")
    zone = models.CharField(max_length=64, blank=True, help_text="IANA name; empty: the paper's.")
    language = models.CharField(max_length=20, blank=True, help_text="Empty: the paper's.")
    form = models.CharField(max_length=10, choices=Form.choices, default=Form.EXCERPTS)
    plain = models.BooleanField(default=False, help_text="Plain text only.")
    wants_alerts = models.BooleanField(default=False, db_default=False, help_text="Alerts between issues, too.")
    leading = models.TextField(
        default="", db_default="", blank=True, help_text="Topics to come first: ids in their order, joined by commas."
    )
    alerted = models.TextField(
        default="", db_default="", blank=True, help_text="The last alerts they were given: ids, a comma around each."
    )

    told_by = models.CharField(max_length=100, null=True, help_text="The slot they moved from (ADR-0090).")
    told_day = models.DateField(null=True, help_text="The local day of the last issue there.")
    told_until = models.DateTimeField(null=True, help_text="When that closed.")
    first_day = models.DateField(null=True, help_text="The local day of the first issue after it.")

    paused_until = models.DateTimeField(null=True, help_text="A break of mail; a private feed goes on.")
    feed_since = models.DateTimeField(null=True, help_text="Since when they have a private feed; null: they have none.")
    feed_number = models.PositiveIntegerField(default=0, help_text="Of its address: how many they have had.")
    seen_at = models.DateTimeField(null=True, help_text="The last reply, visit or answer.")
    still_asked_at = models.DateTimeField(null=True, help_text='When "still reading?" was last asked.')
    silences = models.PositiveSmallIntegerField(default=0, help_text="How often that got no answer.")

    class Meta:
        indexes = [  # few, and without the rows that nobody looks for: a list of a million writes each of them
            models.Index(fields=["confirmed_at"], name="signed_up", condition=models.Q(brought_by__isnull=True)),
            models.Index(fields=["brought_by"], name="held", condition=models.Q(confirmed_at__isnull=True)),
            models.Index(
                fields=["zone", "hour", "cadence", "weekday", "id"],
                condition=models.Q(audience__isnull=False),
                name="readers_by_slot",
            ),
            models.Index(
                fields=["zone", "hour", "cadence", "weekday"],
                condition=models.Q(feed_since__isnull=False),
                name="readers_by_feed",
            ),
            models.Index(
                fields=["told_by", "told_day"], condition=models.Q(told_by__isnull=False), name="readers_who_moved"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Subscription(models.Model):
    """Subscriber × topic; no topic is the whole paper. Ended with a reason, never deleted."""

    class Reason(models.TextChoices):
        READER = "reader", "the reader left"
        CHANGED = "changed", "the reader chose other topics"
        GONE = "gone", "the address is gone"
        COMPLAINT = "complaint", "the reader complained"
        EDITOR = "editor", "an editor ended it"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions")
    topic = models.ForeignKey(Topic, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, blank=True, choices=Reason.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "topic"],
                condition=models.Q(ended_at__isnull=True),
                name="one_running_subscription",
            ),
            models.UniqueConstraint(
                fields=["subscriber"],
                condition=models.Q(ended_at__isnull=True, topic__isnull=True),
                name="one_running_subscription_to_everything",
            ),
        ]


class Consent(models.Model):
    """The evidence: which words, which version, when and how. No network address is kept."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="consents")
    at = models.DateTimeField()
    how = models.CharField(max_length=20, help_text="asked, confirmed, imported, held, left, back")
    wording = models.TextField()
    version = models.CharField(max_length=20)
    proof = models.TextField(blank=True, help_text="What an imported list says of it: when, and how confirmed.")


class Former(models.Model):
    """Who left, was erased, or is not to be written to, as a keyed hash only: no import brings them back.

    It stops no sign-up of their own, which a letter to the address confirms.
    """

    class Reason(models.TextChoices):
        LEFT = "left"
        CLEANED = "cleaned", "another program gave the address up"
        COMPLAINT = "complaint"
        ERASED = "erased"
        SILENT = "silent", "was asked again, and did not answer"

    address_hash = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()
    reason = models.CharField(max_length=10, choices=Reason.choices)

    def __str__(self) -> str:
        return self.reason


class ApiToken(models.Model):
    """A key for another tool (``api``). Only its digest is kept: whoever reads the table can use none."""

    name = models.CharField(max_length=60, unique=True, help_text="Which tool; stands beside each use.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, which is 256 random bits.")
    scopes = models.JSONField(help_text="Words of ``api.tokens.SCOPES``.")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return self.name


class ApiUse(models.Model):
    """One request with a token: what was done and how it ended, with no address and no reader in it."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="uses", db_index=False)
    at = models.DateTimeField()
    what = models.CharField(max_length=40, help_text="The operation, as the OpenAPI description names it.")
    status = models.PositiveSmallIntegerField(null=True, help_text="The answer's; null: cut off.")

    class Meta:
        indexes = [models.Index(fields=["token", "at"], name="uses_of_a_token")]


class Asking(models.Model):
    """One mail that an address got because somebody typed it. Forgotten after 30 days."""

    address_hash = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(db_index=True)


class SignUp(models.Model):
    """An address typed into a form, until its turn comes (``signups``). The row is the same whoever's address it is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address_sealed = models.BinaryField(help_text="AES-GCM, bound to the id.")
    address_hash = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(db_index=True)
    topics = models.JSONField(default=list, help_text="Slugs wished for; none is the whole paper.")
    wording = models.TextField(help_text="The words that led to it.")
    version = models.CharField(max_length=20)
    network = models.CharField(max_length=32, blank=True, help_text="Hash of the day; empty: not known.")
    domain = models.CharField(max_length=32, blank=True, help_text="Hash of the day; empty: a large provider's.")
    proved = models.BooleanField(default=False, help_text="A proof of work came with it.")
    let_go = models.BooleanField(default=False, help_text="An editor let it pass the brakes.")

    def __str__(self) -> str:
        return str(self.id)


class Turn(models.Model):
    """A sign-up that was answered, for a day: what the brakes count. Holds nothing of whose it was."""

    at = models.DateTimeField(db_index=True)
    network = models.CharField(max_length=32, blank=True)
    domain = models.CharField(max_length=32, blank=True)
    let_go = models.BooleanField(default=False)


class Rush(models.Model):
    """A time in which more sign up than this newsroom answers by itself; at most one is running."""

    since = models.DateTimeField()
    over_at = models.DateTimeField(help_text="When there were too many last.")
    ended_at = models.DateTimeField(null=True)
    came = models.PositiveIntegerField(default=0, help_text="In its busiest hour.")
    allowed = models.PositiveIntegerField(help_text="An hour, when it began.")
    acts = models.JSONField(default=list, help_text="What people did about it: at, who, what, count.")

    def __str__(self) -> str:
        return f"since {self.since:%Y-%m-%d %H:%M}"


class Move(models.Model):
    """A reader's new address until it is confirmed, sealed like theirs and bound to the reader's id."""

    subscriber = models.OneToOneField(Subscriber, on_delete=models.CASCADE, related_name="move")
    address_sealed = models.BinaryField()
    address_hash = models.CharField(max_length=64)
    asked_at = models.DateTimeField()


class Cursor(models.Model):
    """How far another room's feed of events was read. Moved in the same transaction as what the events led to."""

    name = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"
