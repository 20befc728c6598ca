"""What can be wrong with a list of sources."""

from handbill.kit.errors import GiveUp


class OpmlError(GiveUp):
    """The file holds no list of feeds that can be read; nothing was imported."""


class MendRefused(GiveUp):
    """The fix can't be done as things are now; nothing was changed."""
