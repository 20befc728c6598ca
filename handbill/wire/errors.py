"""What can be wrong with what an outlet sends."""

from handbill.kit.errors import GiveUp


class FeedError(GiveUp):
    """The bytes hold no entries that can be trusted; the sentence says what they are instead."""
