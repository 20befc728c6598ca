"""What an editor may ask of an article in vain."""

from handbill.kit.errors import GiveUp


class EditedSince(GiveUp):
    """The draft holds more than taking its story put there; nothing was deleted."""
