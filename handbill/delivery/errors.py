"""What can go wrong with a mailing as a whole."""

from handbill.kit.errors import GiveUp, TryLater


class MailingError(GiveUp):
    """The mailing doesn't hold together: its maker has to mend it."""


class NoRelay(TryLater):
    """No relay takes mail at the moment; every copy stays due."""
