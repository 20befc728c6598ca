"""People who asked for the paper: consent, what they chose, and how they left. Addresses are sealed (ADR-0009)."""

import uuid

from django.db import models

from handbill.topics.models import Topic


class Subscriber(models.Model):
    """A person with an address. ``confirmed_at`` null: has not pressed the button yet and gets no issue."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address_sealed = models.BinaryField(help_text="AES-GCM, bound to the id.")
    address_hash = models.CharField(max_length=64, unique=True, help_text="HMAC of the normalised address.")
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True, help_text="When a confirmation was last mailed.")
    confirmed_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return str(self.id)


class Subscription(models.Model):
    """Subscriber × topic × cadence; no topic is the whole paper. Ended with a reason, never deleted."""

    class Reason(models.TextChoices):
        READER = "reader", "the reader left"
        CHANGED = "changed", "the reader chose other topics"
        GONE = "gone", "the address is gone"
        COMPLAINT = "complaint", "the reader complained"
        EDITOR = "editor", "an editor ended it"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions")
    topic = models.ForeignKey(Topic, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cadence = models.CharField(max_length=20, default="daily")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, blank=True, choices=Reason.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "topic", "cadence"],
                condition=models.Q(ended_at__isnull=True),
                name="one_running_subscription",
            ),
            models.UniqueConstraint(
                fields=["subscriber", "cadence"],
                condition=models.Q(ended_at__isnull=True, topic__isnull=True),
                name="one_running_subscription_to_everything",
            ),
        ]


class Consent(models.Model):
    """The evidence: which words, which version, when and how. No network address is kept."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="consents")
    at = models.DateTimeField()
    how = models.CharField(max_length=20, help_text="asked, confirmed, imported, left")
    wording = models.TextField()
    version = models.CharField(max_length=20)


class Cursor(models.Model):
    """How far another room's feed of events was read. Moved in the same transaction as what the events led to."""

    name = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"
