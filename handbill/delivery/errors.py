"""What can go wrong with a mailing as a whole."""

from __future__ import annotations

from handbill.kit.errors import GiveUp, TryLater


class MailingError(GiveUp):
    """The mailing doesn't hold together: its maker has to mend it."""


class NoRelay(TryLater):
    """No relay takes mail at the moment; every copy stays due."""


class NoJournal(TryLater):
    """The database can't be written, so nothing is sent."""

    @classmethod
    def because(cls, fault: Exception, unwritten: int = 0) -> NoJournal:
        """``unwritten``: of how many copies it isn't written what became of them."""
        again = f" Up to {unwritten} mails that were under way are sent again, as repeats." if unwritten else ""
        words = str(fault).strip().partition("\n")[0]
        return cls(
            f"The journal of mails can't be written ({words}), so nothing is sent. Free space on the disk, or end what"
            f" holds the database; sending goes on where it was.{again}"
        )
