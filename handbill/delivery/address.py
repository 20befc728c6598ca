"""The one place that says what an e-mail address is: checked, normalised and hashed. No name server is asked.

A normalised address has its domain in lower-case ASCII (IDNA) and its local part as typed, in NFC. The hash ignores
case in the local part as well: every large provider does, and one person must not become two readers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.conf import settings
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

from handbill.kit.errors import GiveUp
from handbill.kit.lookup import every_hash, every_later, find_hash, lift

MOST_CHARACTERS = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets with its angle brackets
MOST_IN_LOCAL_PART = 64  # octets, RFC 5321 4.5.3.1.1
UNREAD = "\ufffd"  # what bytes became that were no text
MOST_IN_LABEL = 63  # octets, RFC 1035 2.3.4
_ATOM, _LABEL = r"[A-Za-z0-9_+-]+", r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
_ORDINARY = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+([A-Za-z]{{2,}}))", re.ASCII)
_SPECIAL = frozenset({*SPECIAL_USE_DOMAIN_NAMES, *CASE_INSENSITIVE_MAILBOX_NAMES})


class AddressError(GiveUp):
    """The text is no address that mail can be sent to. The sentence never repeats the address."""


def normalise(address: str) -> str:
    """The address as it is mailed: surrounding blanks off, domain in lower-case ASCII.

    Raises AddressError for anything that is not one mailbox: too long, control characters, quotes, comments, an
    address literal, a domain without a dot. Repeating it on its own result changes nothing.
    """
    text = address.strip(" \t\r\n")
    return _ordinary(text) or _by_library(text)


def address_hash(address: str) -> str:
    """Keyed hash (64 hexadecimal characters) that finds an address without storing it. Raises AddressError."""
    return normalised_hash(normalise(address))


def normalised_hash(normalised: str) -> str:
    """The same for what ``normalise`` gave."""
    return find_hash(settings.KEYS.lookup, normalised.lower())


def normalised_hashes(normalised: Iterable[str]) -> list[str]:
    """The same for many, all under one key."""
    key = settings.KEYS.lookup
    return [find_hash(key, address.lower()) for address in normalised]


def all_hashes(address: str) -> tuple[str, ...]:
    """What its row may have as its hash: one value, but for a change of keys (ADR-0056). Raises AddressError."""
    return every_hash(settings.KEYS.lookup, normalise(address).lower())


def lifted(hashed: str) -> str:
    """The same address's hash as it is written now."""
    return lift(settings.KEYS.lookup, hashed)


def with_later(hashes: Iterable[str]) -> set[str]:
    """These, and what they are under later keys: what bars an address is written under each, so that none misses it."""
    key = settings.KEYS.lookup
    return {later for hashed in hashes for later in every_later(key, hashed)}


def changing_keys() -> bool:
    """Whether rows may carry hashes under more than one key at this moment."""
    return len(settings.KEYS.lookup.in_use) > 1


def _ordinary(text: str) -> str:
    """What the library would say of an everyday ASCII address, a hundred times faster; "" for all it must look at."""
    found = _ORDINARY.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if found is None:
        return ""
    local, domain, top = found.groups()
    domain = domain.lower()
    if len(local) > MOST_IN_LOCAL_PART or len(domain) > MOST_IN_LABEL:
        return ""  # or a label of it may be too long
    return "" if top.lower() in _SPECIAL or local.lower() in _SPECIAL else f"{local}@{domain}"


def _by_library(text: str) -> str:
    _refuse_unprintable(text)
    if not 0 < len(text) <= MOST_CHARACTERS or text.count("@") != 1:
        raise AddressError("This is no e-mail address. Write one such as name@mail.example.")
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError):
        raise AddressError("This is no e-mail address that mail can be sent to. Check it for a slip.") from None
    whole = f"{found.local_part}@{found.ascii_domain.lower()}"
    if len(whole.encode()) > MOST_CHARACTERS or len(found.local_part.encode()) > MOST_IN_LOCAL_PART:
        raise AddressError("This e-mail address is too long for mail. Write a shorter one.")
    return whole


def _refuse_unprintable(text: str) -> None:
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    if any(character == UNREAD or unicodedata.category(character) in hidden for character in text):
        raise AddressError("An e-mail address holds no line breaks or hidden characters. Type it again.")
