"""Accounts at others, as an operator writes them: a mailbox (``imaps://user@mail.example/Bounces``), an API. Pure.

A password never stands in an address, and never travels in the clear but to this machine itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PORTS = {"imap": 143, "imap+starttls": 143, "imaps": 993, "pop3": 110, "pop3+starttls": 110, "pop3s": 995}
_SCHEMES = {
    **{"imap": ("imap", "plain"), "imap+starttls": ("imap", "starttls"), "imaps": ("imap", "tls")},
    **{"pop3": ("pop3", "plain"), "pop3+starttls": ("pop3", "starttls"), "pop3s": ("pop3", "tls")},
}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
KEEP, DELETE, MOVE = "keep", "delete", "move:"
LONGEST_FOLDER = 200  # characters


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox at a server. ``security`` is plain, starttls or tls; ``folder`` is IMAP's."""

    protocol: str  # imap or pop3
    host: str
    port: int
    security: str
    user: str
    folder: str = "INBOX"

    @property
    def place(self) -> str:
        """The address it was written as, in one spelling."""
        return f"{self.protocol}://{self.user}@{self.host}:{self.port}/{self.folder}"


def read_mailbox(text: str) -> Mailbox:
    """Raises ValueError with the fix, which never repeats the address."""
    parts = urlsplit(text)
    if parts.password is not None:
        raise ValueError(
            "take the password out and put it into keys/bounce-mailbox or HANDBILL_BOUNCE_MAILBOX_PASSWORD."
        )
    if parts.scheme not in PORTS or not parts.hostname or not parts.username or parts.port == 0 or parts.query:
        raise ValueError('write "imaps://USER@HOST/FOLDER" or "pop3s://USER@HOST"; an @ in USER as %40.')
    protocol, security = _SCHEMES[parts.scheme]
    if security == "plain" and parts.hostname not in LOOPBACK:
        raise ValueError("this would send the password in the clear; write imaps://, pop3s:// or …+starttls://.")
    folder = unquote(parts.path.strip("/"))
    if len(folder) > LONGEST_FOLDER or not folder.isprintable() or (folder and protocol == "pop3"):
        raise ValueError("write the folder's name after the host, for IMAP alone, as at most 200 characters.")
    port = parts.port or PORTS[parts.scheme]
    return Mailbox(protocol, parts.hostname, port, security, unquote(parts.username), folder or "INBOX")


def read_after(text: str) -> str:
    """What becomes of a mail at its server once it is read. Raises ValueError with the fix."""
    target = text.removeprefix(MOVE)
    moves = text.startswith(MOVE) and target and target.isprintable() and len(target) <= LONGEST_FOLDER
    if text not in (KEEP, DELETE) and not moves:
        raise ValueError('write "keep", "delete", or "move:FOLDER" for IMAP.')
    return text


API_ADDRESSES = {
    "brevo": "https://api.brevo.com/v3/",
    "mailgun": "https://api.mailgun.net/v3/",
    "postmark": "https://api.postmarkapp.com/",
    "resend": "https://api.resend.com/",
    "sendgrid": "https://api.sendgrid.com/v3/",
    "ses": "https://email.{region}.amazonaws.com/",
}
API_OPTIONS = {
    "mailgun": ("sender_domain",),
    "postmark": ("message_stream",),
    "ses": ("region", "configuration_set_name"),
}


@dataclass(frozen=True, slots=True)
class Api:
    """A provider's API. ``base`` is empty where its usual address is meant."""

    provider: str
    host: str
    port: int
    base: str
    options: tuple[tuple[str, str], ...]


def read_api(provider: object, options: object, address: object) -> Api:
    """Raises ValueError with the fix."""
    if not isinstance(provider, str) or provider not in API_ADDRESSES:
        raise ValueError(f"write one of {', '.join(sorted(API_ADDRESSES))} as provider.")
    known = API_OPTIONS.get(provider, ())
    if not isinstance(options, Mapping) or not set(options) <= set(known):
        raise ValueError(f"write its options as a table of: {', '.join(known) or 'none'}.")
    if not all(isinstance(value, str) and value.isprintable() and len(value) < 200 for value in options.values()):
        raise ValueError("write each option as a short text.")
    if provider == "ses" and not options.get("region", "").replace("-", "").isalnum():
        raise ValueError('name the region, as options = { region = "eu-central-1" }.')
    if address is not None and not isinstance(address, str):
        raise ValueError("write the address of the API as text, or leave it out.")
    parts = urlsplit(address or API_ADDRESSES[provider].format(**options))
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment or parts.port == 0:
        raise ValueError("write the address of its API with https and without a key, or leave it out.")
    return Api(provider, parts.hostname, parts.port or 443, address or "", tuple(sorted(options.items())))
