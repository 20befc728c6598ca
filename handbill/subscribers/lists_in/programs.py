"""What the exports of other programs look like: a table for each, and a file's first line recognised by it. Pure.

Column names are compared in small letters with ``_`` for all that is no letter or digit. No column of a network address
or of a person's name is named anywhere here, and what isn't named is never read.
Sources: the exports themselves; Ghost's and listmonk's export code; Buttondown's page of subscriber types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handbill.subscribers.lists_in.own import COLUMNS
from handbill.subscribers.lists_in.own import STATES as OWN_STATES
from handbill.subscribers.lists_in.records import State, Wanted
from handbill.subscribers.lists_in.unpack import ListError

FIELDS = (*COLUMNS, "muted", "opted_in", "cleaned", "paid")
"""Ours. ``muted``: a column that is true where the person gets no mail; ``left`` and ``cleaned``: when they did."""

_S, _U, _L, _C = State.SUBSCRIBED, State.UNCONFIRMED, State.LEFT, State.CLEANED
STATES: dict[str, State] = {
    **dict.fromkeys(
        ("subscribed", "active", "enabled", "confirmed", "reading", "true", "1", "yes", "free", "paid"), _S
    ),
    **dict.fromkeys(("abonniert", "aktiv", "inscrit", "suscrito", "مشترك"), _S),
    **dict.fromkeys(
        ("unconfirmed", "pending", "unactivated", "validating", "nonsubscribed", "held", "unbestätigt"), _U
    ),
    **dict.fromkeys(("unsubscribed", "left", "inactive", "disabled", "removed", "deleted", "false", "0", "no"), _L),
    **dict.fromkeys(("blocklisted", "blocked", "archived", "abgemeldet", "désinscrit", "optout", "opt_out"), _L),
    **dict.fromkeys(("cleaned", "bounced", "undeliverable", "invalid", "malformed", "spammy", "disposable"), _C),
    **dict.fromkeys(("complained", "complaint", "abuse", "spam"), State.COMPLAINT),
}
ADDRESS = (
    *("email", "email_address", "e_mail", "address", "mail", "e_mail_address", "e_mail_adresse", "emailadresse"),
    *("email_adresse", "user_email", "subscriber_email", "adresse_e_mail", "adresse_mail", "courriel"),
    *("correo_electrónico", "correo", "indirizzo_email", "البريد_الإلكتروني"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """``marks``: sets of columns of which one is there, whole, in an export. ``columns``: our field to its names.

    ``states`` are its own words; ``file_states``: a word in the file's name to the state of all in it.
    """

    name: str
    marks: tuple[frozenset[str], ...]
    columns: Mapping[str, Sequence[str]]
    states: Mapping[str, State] = field(default_factory=dict)
    file_states: Mapping[str, State] = field(default_factory=dict)


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(names.split()) for names in sets)


PROGRAMS = (
    Program(
        "handbill",
        _marks("address state joined confirmed left topics cadence proof"),
        {name: (name,) for name in COLUMNS},
        states=OWN_STATES,
    ),
    Program(
        "mailchimp",
        _marks("optin_time confirm_time"),
        {
            "address": ADDRESS,
            "opted_in": ("optin_time",),
            "confirmed": ("confirm_time",),
            "left": ("unsub_time",),
            "cleaned": ("clean_time",),
        },
        file_states={"nonsubscribed": _U, "unsubscribed": _L, "cleaned": _C},
    ),
    Program(
        "substack",
        _marks("email email_disabled", "email active_subscription expiry"),
        {
            "address": ("email",),
            "muted": ("email_disabled",),
            "joined": ("created_at",),
            "paid": ("first_payment_at", "type"),
        },
    ),
    Program(
        "ghost",
        _marks("email subscribed_to_emails"),
        {
            "address": ("email",),
            "state": ("subscribed_to_emails",),
            "joined": ("created_at",),
            "left": ("deleted_at",),
            "paid": ("stripe_customer_id",),
        },
    ),
    Program(
        "tinynews",
        _marks("channel_id status tier email engagement_optin"),
        {"address": ("email",), "state": ("status",), "joined": ("created_at",), "left": ("deleted_at",)},
        states=dict.fromkeys("123456789", _S),
    ),
    Program(
        "beehiiv",
        _marks("email status tier"),
        {
            "address": ("email",),
            "state": ("status",),
            "joined": ("created_at",),
            "left": ("unsubscribed_at",),
            "paid": ("stripe_customer_id",),
        },
        states={"needs_attention": _U},
    ),
    Program(
        "listmonk",
        _marks("uuid email attributes status"),
        {"address": ("email",), "state": ("status",), "joined": ("created_at",)},
    ),
    Program(
        "buttondown",
        _marks("email subscriber_type", "email_address subscriber_type", "email_address type creation_date"),
        {
            "address": ("email", "email_address"),
            "state": ("subscriber_type", "type"),
            "joined": ("creation_date",),
            "opted_in": ("subscription_date",),
            "left": ("unsubscription_date",),
            "cleaned": ("undeliverability_date",),
        },
        states=dict.fromkeys(
            ("regular", "premium", "gifted", "unpaid", "trialed", "churning", "churned", "past_due", "paused"), _S
        ),
    ),
    Program(
        "mailpoet",
        _marks("email global_status", "email status confirmed_ip", "email list_status"),
        {
            "address": ("email",),
            "state": ("global_status", "status"),
            "joined": ("created_at",),
            "opted_in": ("subscribed_at", "last_subscribed_at"),
            "confirmed": ("confirmed_at",),
            "left": ("unsubscribed_at",),
        },
        states={"inactive": _S},  # MailPoet's word for who has not opened anything lately
    ),
    Program(
        "curated",
        _marks("email_address subscribed_at utm_source"),
        {"address": ("email_address",), "opted_in": ("subscribed_at",)},
    ),
    Program(
        "csv",
        (),
        {
            "address": ADDRESS,
            "state": ("state", "status", "subscription_status", "zustand"),
            "joined": ("joined", "created_at", "created", "date_added", "user_registered", "registered"),
            "opted_in": ("opted_in", "subscribed_at", "subscription_date", "optin_time", "opt_in_time", "signup_date"),
            "confirmed": ("confirmed", "confirmed_at", "confirm_time", "confirmation_date"),
            "left": ("left", "unsubscribed_at", "unsub_time", "unsubscription_date"),
            "cleaned": ("cleaned", "bounced_at"),
        },
    ),
)
ANY = PROGRAMS[-1]
NAMES = tuple(program.name for program in PROGRAMS)
PAID_WORDS = frozenset({"", "0", "false", "no", "free", "comp", "gift", "none", "complimentary"})
"""What a paid column says of who didn't pay. A gift and a complimentary one were asked for by somebody else."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table's columns are. ``at``: our field to its index; ``width``: columns of the first line.

    ``state_words``: of the state column; ``always``: the state of all rows that say nothing else; ``headless``: the
    first line is a row already.
    """

    program: str
    at: Mapping[str, int]
    width: int
    state_words: Mapping[str, State]
    always: State = State.SUBSCRIBED
    headless: bool = False


def recognise(header: Sequence[str], file_name: str, wanted: Wanted) -> Layout | None:
    """The layout of a table by its first line; None when it has no column of addresses.

    Raises ListError for a program or a column that was asked for and isn't there.
    """
    names = [plain_name(cell) for cell in header]
    if not wanted.columns and any("@" in cell for cell in header):
        place = next(index for index, cell in enumerate(header) if "@" in cell)
        return Layout("csv", {"address": place}, len(header), {}, headless=True)
    program = _program(frozenset(names), wanted.program)
    columns = {name: ANY.columns[name] for name in ("opted_in", "confirmed")} | dict(program.columns)
    at = {ours: _place(names, theirs) for ours, theirs in columns.items()}
    for ours, given in wanted.columns.items():
        at[ours] = _place(names, (plain_name(given),))
        if at[ours] is None:
            raise ListError(f"The table has no column as --column {ours}=… names it. Write it as its first line does.")
    found = {ours: place for ours, place in at.items() if place is not None}
    if "address" not in found:
        return None
    words = {**STATES, **program.states, **{plain_name(word): state for word, state in wanted.states.items()}}
    return Layout(program.name, found, len(names), words, _always(program, file_name.lower()))


def plain_name(text: str) -> str:
    """A column's name as it is compared."""
    return re.sub(r"[\W_]+", "_", text.strip().lower()).strip("_")


def _program(names: frozenset[str], wanted: str) -> Program:
    if wanted:
        return next(program for program in PROGRAMS if program.name == wanted)
    return next(
        (program for program in PROGRAMS if any(marks <= names for marks in program.marks)),
        ANY,
    )


def _place(names: Sequence[str], theirs: Sequence[str]) -> int | None:
    return next((names.index(name) for name in theirs if name in names), None)


def _always(program: Program, file_name: str) -> State:
    return next((state for word, state in program.file_states.items() if word in file_name), State.SUBSCRIBED)
