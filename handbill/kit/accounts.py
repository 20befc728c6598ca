"""Where mail lies at a mail server, as an operator writes it: ``imaps://user@mail.example/Bounces``. Pure.

A password never stands in an address, and never travels in the clear but to this machine itself.
"""

from __future__ import annotations

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
