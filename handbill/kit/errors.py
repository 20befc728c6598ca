"""Errors that tell their catcher what to do: try again later, give up, or mend a setting."""


class HandbillError(Exception):
    """Base of every expected failure; its text is one sentence for a person and says what to do."""


class TryLater(HandbillError):
    """A passing fault: the same call may succeed later, nothing was lost (exit code 75)."""


class GiveUp(HandbillError):
    """Repeating the same call can't help: somebody has to change something (exit code 1)."""


class SettingsError(HandbillError):
    """A setting is wrong: names it, its value and what to write instead; the program doesn't start (exit code 2)."""
