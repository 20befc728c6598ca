"""Mail handed over, per recipient, with every try. Knows neither digests nor people: a recipient is an opaque id.

``Delivery`` rows are the journal: intent is committed before a message leaves, outcome after the reply (ADR-0005).
"""

from typing import TypeAlias

from django.db import models

from handbill.work.models import Leased

Pieces: TypeAlias = list[int | str]
"""Text or HTML of a letter in order: the id of a Piece, or a piece of the letter's own."""


class Mailing(models.Model):
    """Letters handed over together. ``reference`` makes a repeated hand-over harmless."""

    reference = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, help_text="issue, confirmation or test")
    created_at = models.DateTimeField()
    sealed_at = models.DateTimeField(
        null=True, blank=True, help_text="All recipients are in; null: still being handed over."
    )
    folded_at = models.DateTimeField(null=True, blank=True, help_text="Only totals are kept since.")
    held_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="Nothing of it is sent from then on."
    )
    held_by = models.CharField(
        max_length=150, blank=True, help_text="Who; empty: the sending itself, which calls them."
    )
    why = models.CharField(max_length=300, blank=True, help_text="Why it is held or was stopped, for the editor.")

    class Meta:
        permissions = [("stop_mailing", "Can stop a mailing for good")]

    def __str__(self) -> str:
        return self.reference


class Total(models.Model):
    """How many copies of a mailing ended in a state, after the copies themselves were forgotten (``retention``)."""

    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="totals")
    state = models.CharField(max_length=10)
    count = models.PositiveIntegerField()
    repeats = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailing", "state"], name="total_once")]


class Piece(models.Model):
    """A piece of text or HTML that letters of a mailing have in common, with slots where a reader's own links go."""

    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    key = models.CharField(max_length=64, help_text="Digest of its content.")
    content = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailing", "key"], name="piece_once")]


class Body(models.Model):
    """One composed letter of a mailing: what stands in it only, and which pieces it shares (``letters``)."""

    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="bodies")
    key = models.CharField(max_length=64)
    sender = models.CharField(max_length=300)
    subject = models.CharField(max_length=400)
    html_pieces = models.JSONField(default=list, help_text="In order: the id of a Piece, or a piece of its own.")
    text_pieces = models.JSONField(default=list, help_text="Likewise.")
    one_click = models.CharField(
        max_length=500, blank=True, help_text="RFC 8058 address with a slot; empty: no list mail."
    )
    language = models.CharField(max_length=35, blank=True)

    class Meta:
        verbose_name_plural = "bodies"
        constraints = [models.UniqueConstraint(fields=["mailing", "key"], name="body_once")]

    @property
    def html(self) -> str:
        """All of it, read from its pieces."""
        return self._joined(self.html_pieces)

    @property
    def text(self) -> str:
        """Likewise."""
        return self._joined(self.text_pieces)

    def _joined(self, pieces: Pieces) -> str:
        shared = Piece.objects.in_bulk([piece for piece in pieces if isinstance(piece, int)])
        return "".join(piece if isinstance(piece, str) else shared[piece].content for piece in pieces)


class Delivery(Leased):
    """One recipient's copy. ``next_at`` null: finished, one way or the other."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending", "intent written, no outcome yet"
        ACCEPTED = "accepted"
        DEFERRED = "deferred"
        REFUSED = "refused"
        IN_DOUBT = "in doubt", "connection lost after the final dot: sent again under the same Message-ID"
        SUPPRESSED = "suppressed", "must not be mailed: found at the last moment"
        LAPSED = "lapsed", "of an older issue: its reader got a newer one first"

    next_at = models.DateTimeField(null=True, blank=True)  # the index below is enough
    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="deliveries")
    recipient = models.CharField(max_length=64, help_text="Opaque id, given back with the outcome.")
    address_sealed = models.BinaryField(help_text="AES-GCM, bound to mailing reference and recipient.")
    address_hash = models.CharField(max_length=64)
    provider = models.CharField(max_length=20, blank=True, help_text="Who receives, in a word of ``providers``.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    repeats = models.PositiveSmallIntegerField(default=0, help_text="Tries that may have reached the reader twice.")
    settled_at = models.DateTimeField(null=True, blank=True)
    relay = models.CharField(max_length=40, blank=True, help_text="Who accepted it.")
    reply = models.CharField(max_length=500, blank=True, help_text="What that relay said, without addresses.")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["mailing", "recipient"], name="delivery_once")]
        indexes = [  # few: each costs every copy that is sent (ADR-0041)
            models.Index(  # claims in order without sorting what is due
                fields=["next_at", "id"], name="delivery_due", condition=models.Q(next_at__isnull=False)
            ),
        ]


class Attempt(models.Model):
    """One SMTP try and what the relay answered, or what a mail that came back told of it later.

    A try that was accepted is told by the copy's own row alone. The answer is kept without addresses.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    relay = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10, choices=Delivery.State.choices)
    code = models.PositiveSmallIntegerField(default=0, help_text="SMTP reply code; 0: no reply.")
    reply = models.CharField(max_length=500, blank=True)
    reason = models.CharField(max_length=20, blank=True, help_text="Why not, in a word of ``engine.judge``.")
    source = models.CharField(max_length=10, blank=True, help_text="bounce or complaint; empty: the relay's reply.")
    ends = models.CharField(max_length=10, blank=True, help_text="gone or complaint: the reader gets no more mail.")


class Suppression(models.Model):
    """An address that must not be mailed, as a keyed hash only."""

    address_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=40)
    at = models.DateTimeField()


class Proof(models.Model):
    """One mailing's word that an address is gone. A definite one, or two of different mailings, suppress it.

    Unless too many of a provider are said to be gone at once: then it is held, until an editor has looked (``surge``).
    """

    class Fate(models.TextChoices):
        COUNTED = "", "not proven by itself"
        ENDED = "ended", "the reader gets no more mail"
        HELD = "held", "proven, and held"
        SURE = "sure", "held, and believed by an editor"

    address_hash = models.CharField(max_length=64)
    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    provider = models.CharField(max_length=20, blank=True)
    fate = models.CharField(max_length=5, blank=True, choices=Fate.choices, default=Fate.COUNTED)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address_hash", "mailing"], name="proof_once")]
        indexes = [models.Index(fields=["provider", "at"], name="proof_provider")]


class Feedback(models.Model):
    """A mail that came back, once. What it told of a copy stands with that copy, as an Attempt; the mail isn't kept."""

    class Result(models.TextChoices):
        FILED = "filed", "with its copy"
        NOTHING = "nothing", "tells nothing of an address: an auto-reply, an ordinary mail, a success"
        STRAY = "stray", "no genuine mark of a copy we still know: ignored"
        UNREADABLE = "unreadable"

    identity = models.CharField(max_length=64, unique=True, help_text="Digest of what its sender wrote.")
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=12, help_text="bounce, complaint, auto-reply, none")
    result = models.CharField(max_length=10, choices=Result.choices)

    class Meta:
        verbose_name_plural = "feedback"


class Tally(models.Model):
    """How many copies of a day ended how, with whom: what the report per provider adds up, long after the copies."""

    day = models.DateField()
    provider = models.CharField(max_length=20, blank=True)
    relay = models.CharField(max_length=40, blank=True)
    outcome = models.CharField(max_length=10, choices=Delivery.State.choices)
    reason = models.CharField(max_length=20, blank=True)
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(fields=["day", "provider", "relay", "outcome", "reason"], name="tally_once")
        ]


class Breaker(models.Model):
    """Whether mail goes through a relay, or to a provider: open, it doesn't, until ``until``.

    ``about`` is ``relay NAME`` or ``provider NAME``. Shared by all workers, and shown at the desk.
    """

    about = models.CharField(max_length=60, primary_key=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row; each makes the wait longer.")
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True, help_text="Null: closed, all is well.")
    reason = models.CharField(max_length=20, blank=True, help_text="Why, in a word of ``engine.judge``.")
    why = models.CharField(max_length=500, blank=True)
    calls = models.BooleanField(default=False, help_text="It needs a person.")
    off = models.BooleanField(default=False, help_text="Switched off by an editor.")

    def __str__(self) -> str:
        return self.about


class Act(models.Model):
    """What a person did about the sending, and when: never changed, never deleted."""

    class What(models.TextChoices):
        HOLD = "hold"
        GO_ON = "go on"
        STOP = "stop"
        ON = "on", "a relay was switched on"
        OFF = "off", "a relay was switched off"
        KEEP = "keep", "held readers of a provider were kept"
        END = "end", "subscriptions of held readers of a provider were ended"

    at = models.DateTimeField()
    who = models.CharField(max_length=150, help_text="The name they log in with.")
    what = models.CharField(max_length=10, choices=What.choices)
    about = models.CharField(
        max_length=100, help_text="A mailing's reference, ``relay NAME`` or ``provider NAME``.", db_index=True
    )
    why = models.CharField(max_length=300, blank=True)
    count = models.PositiveIntegerField(default=0, help_text="How many readers an end was about.")

    def __str__(self) -> str:
        return f"{self.what} {self.about}"


class Mailbox(models.Model):
    """How far a mailbox at a mail server was read (``collect``).

    IMAP: ``position`` is the highest UID read of ``validity``. POP3: ``seen`` holds the UIDs read that are still there.
    """

    place = models.CharField(max_length=500, unique=True)
    validity = models.CharField(max_length=20, blank=True)
    position = models.BigIntegerField(default=0)
    seen = models.JSONField(default=list)
    looked_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=300, blank=True, help_text="Why it could not be read; empty: all is well.")

    class Meta:
        verbose_name_plural = "mailboxes"

    def turn_to(self, validity: str, there: list[str]) -> None:
        """Begin anew where the server numbers anew, and forget what is there no more."""
        if validity != self.validity:
            self.validity, self.position = validity, 0
        held = set(there)
        self.seen = [uid for uid in self.seen if uid in held]

    def knows(self, uid: str) -> bool:
        """Whether it was read before."""
        return int(uid) <= self.position if self.validity else uid in self.seen

    def remember(self, uid: str) -> None:
        """It was read, and written down."""
        if self.validity:
            self.position = max(self.position, int(uid))
        else:
            self.seen.append(uid)
        self.save(update_fields=["validity", "position", "seen"])
