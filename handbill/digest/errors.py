"""What can stop an issue."""

from handbill.kit.errors import GiveUp, TryLater


class PlanError(GiveUp):
    """Impossible window or list: a caller's bug, so nothing was planned."""


class NewAudience(TryLater):
    """Readers chose topics together that no letter was composed for yet."""


class NothingToTest(GiveUp):
    """There is no article that a test letter could show."""


class NoAlert(GiveUp):
    """The alert can't be approved; the message is a word of ``alerts.Refused``. Nothing was changed."""


class Superseded(GiveUp):
    """Somebody else changed the issue since it was looked at: look again. Nothing was changed."""
