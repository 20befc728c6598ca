"""Decide what becomes of a list's row, and what counts as a proof of consent (ADR-0051). Pure.

The order of the questions is the rule: does it leave, is it repeated, are they kept out, are they known, is it proven.
"""

from __future__ import annotations

from datetime import datetime

from handbill.subscribers.lists_in.records import Fate, Known, Row, State, Verdict

ROLES = frozenset(
    (
        *("abuse", "postmaster", "mailer-daemon", "hostmaster", "noc", "root", "nobody", "spam"),
        *("noreply", "no-reply", "donotreply", "do-not-reply"),
    )
)
"""Mailboxes of a machine or a duty that nobody reads a paper at (RFC 2142); info@ or office@ may be a reader's."""

EMPTY = Verdict(Fate.EMPTY, "There is no address in the row.")
REPEATED = Verdict(Fate.REPEATED, "A row above has the same address.")
ROLE = Verdict(Fate.REFUSED, "The mailbox is a machine's or a duty's, not a reader's.")
NEVER = Verdict(Fate.REFUSED, "They were asked there and never confirmed.")
NO_TOPIC = Verdict(Fate.REFUSED, "None of its topics is one of this paper. Make them first, then import again.")
CANARY = Verdict(Fate.REFUSED, "It is no reader, but a mark that this newsroom put into a list it took out.")
BEGINS = Verdict(Fate.BEGINS)
HELD = Verdict(Fate.HELD, "The list has no proof that they consented.")
CAME_BACK = Verdict(Fate.KNOWN, "They left there, and have confirmed here since.")
KNOWN = Verdict(Fate.KNOWN, "They read already.")
WAITING = Verdict(Fate.KNOWN, "They are held, or have signed up and not confirmed.")
GONE = {
    State.LEFT: Verdict(Fate.LEFT, "The list says that they left."),
    State.CLEANED: Verdict(Fate.CLEANED, "The list says that mail to them came back."),
    State.COMPLAINT: Verdict(Fate.CLEANED, "The list says that they complained."),
}
STAYS_OUT = {
    "left": Verdict(Fate.KEPT_OUT, "They left."),
    "cleaned": Verdict(Fate.KEPT_OUT, "Another list said that mail to them came back."),
    "complaint": Verdict(Fate.KEPT_OUT, "They complained."),
    "erased": Verdict(Fate.KEPT_OUT, "They had their data erased."),
    "silent": Verdict(Fate.KEPT_OUT, "They were asked again and didn't answer."),
    "canary": CANARY,
}
SUPPRESSED = Verdict(Fate.KEPT_OUT, "The address must not be mailed.")


def is_role(address: str) -> bool:
    """Whether a normalised address is one that is refused."""
    return address.partition("@")[0].lower() in ROLES


def judge(row: Row, known: Known, proven: bool, seen: bool, topics_here: bool) -> Verdict:
    """The fate of a row that could be read. ``seen``: a row above has its address; ``topics_here``: see NO_TOPIC.

    Leaving wins in any order, and nobody who left comes back.
    """
    if row.state in GONE:
        return CAME_BACK if known.reading and not (seen or ends_reading(row, known)) else GONE[row.state]
    if seen:
        return REPEATED
    if known.barred:
        return STAYS_OUT.get(known.barred, SUPPRESSED)
    if known.reading:
        return BEGINS if known.this_import else KNOWN
    if known.confirmed is not None:
        return STAYS_OUT["left"]
    if row.state is State.UNCONFIRMED:
        return WAITING if known.reader else NEVER
    if not proven:
        return HELD if known.this_import or not known.reader else WAITING
    return BEGINS if topics_here else NO_TOPIC


def ends_reading(row: Row, known: Known) -> bool:
    """Whether a row that leaves ends what a reader gets here: not where they confirmed after they had left there."""
    if row.ended is None or known.confirmed is None:
        return known.imported
    return row.ended >= known.confirmed


def proof(row: Row, program: str, word: str) -> tuple[datetime | None, str] | None:
    """When a row's person consented, and how that is known; None where nothing proves it.

    A time of confirming, a time of signing up, a paid subscription, or the editor's ``word``. When the row was made is
    none: an upload writes that as well.
    """
    if row.confirmed:
        return row.confirmed, row.proof or f"{program}: confirmed {_at(row.confirmed)}{_joined(row)}"
    if row.opted_in:
        return row.opted_in, f"{program}: signed up {_at(row.opted_in)}"
    if row.paid:
        return row.joined, f"{program}: a paid subscription{_joined(row)}"
    if word:
        return row.joined, f"{program}: {word}{_joined(row)}"
    return None


def without_proof(row: Row, program: str) -> str:
    """What is kept of a row that is held."""
    return row.proof or f"{program}: no proof of consent{_joined(row)}"


def _joined(row: Row) -> str:
    joined = row.opted_in or row.joined
    return f"; joined {_at(joined)}" if joined else ""


def _at(moment: datetime) -> str:
    return f"{str(moment)[:16]} UTC"  # a tenth of the time of strftime
