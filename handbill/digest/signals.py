"""What the digest tells the rooms above it."""

from django.dispatch import Signal

issue_pages_changed = Signal()
"""Of an issue on the public site ``paths`` (a set) came, changed or went. Sent within the transaction."""

logo_published = Signal()
"""Of a letter's logo ``paths`` (a set) came. Sent within the transaction."""
