"""What stories tells the rooms above it."""

from django.dispatch import Signal

reports_moved = Signal()
"""An editor changed what ``stories`` (a set of ids) hold. Sent within the transaction."""
