"""The one place that says what an e-mail address is: checked, normalised and hashed. No name server is asked.

A normalised address has its domain in lower-case ASCII (IDNA) and its local part as typed, in NFC. The hash ignores
case in the local part as well: every large provider does, and one person must not become two readers.
"""

from __future__ import annotations

import unicodedata

from django.conf import settings
from email_validator import EmailNotValidError, validate_email

from handbill.kit.crypto import keyed_hash
from handbill.kit.errors import GiveUp

MOST_CHARACTERS = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets with its angle brackets
MOST_IN_LOCAL_PART = 64  # octets, RFC 5321 4.5.3.1.1


class AddressError(GiveUp):
    """The text is no address that mail can be sent to. The sentence never repeats the address."""


def normalise(address: str) -> str:
    """The address as it is mailed: surrounding blanks off, domain in lower-case ASCII.

    Raises AddressError for anything that is not one mailbox: too long, control characters, quotes, comments, an
    address literal, a domain without a dot. Repeating it on its own result changes nothing.
    """
    text = address.strip(" \t\r\n")
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


def address_hash(address: str) -> str:
    """Keyed hash (64 hexadecimal characters) that finds an address without storing it. Raises AddressError."""
    return keyed_hash(settings.KEYS.lookup, normalise(address).lower())


def _refuse_unprintable(text: str) -> None:
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text):
        raise AddressError("An e-mail address holds no line breaks or hidden characters. Type it again.")
