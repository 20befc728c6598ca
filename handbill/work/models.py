"""Leased rows: ``next_at`` says when a row is due, ``lease_until`` who may wait, ``lease_token`` who holds it.

A worker that died keeps nothing: once its lease is over the row is due again. A worker that was paused past its lease
finds its token gone and writes nothing (fencing).
"""

from django.db import models


class Leased(models.Model):
    """Mix into any row that background work must visit. ``next_at`` null: nothing to do."""

    next_at = models.DateTimeField(null=True, blank=True, db_index=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)

    class Meta:
        abstract = True


class Job(Leased):
    """A standing job of the newsroom, done by one worker at a time: group stories, build the site, plan the digest."""

    name = models.CharField(max_length=40, primary_key=True)
    done_at = models.DateTimeField(null=True, blank=True, help_text="When it was last done to its end.")

    def __str__(self) -> str:
        return self.name
