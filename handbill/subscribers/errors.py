"""What can be wrong with a mailed link. Nothing was changed; the page says what to do instead."""

from handbill.kit.errors import GiveUp, TryLater


class WrongLink(GiveUp):
    """The link is not one of ours, or was cut on its way."""


class ExpiredLink(GiveUp):
    """The confirmation is older than 72 hours, or its sign-up was forgotten since."""


class TestLink(GiveUp):
    """The link stands in a letter sent as a test: it belongs to no reader."""

    __test__ = False


class AddressTaken(GiveUp):
    """The address a reader would move to gets the paper already."""


class NotReading(GiveUp):
    """The reader has left: there is no running subscription to change."""


class SignUpBusy(TryLater):
    """The same address is being signed up at this very moment."""
