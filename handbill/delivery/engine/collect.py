"""Read a mailbox by IMAP (RFC 3501, 6851) or POP3 (RFC 1939): which mails it holds, their bytes, and what becomes of
them there. The standard library speaks; its sockets are ours, so that no server can hold us up or fill the memory.

A mail is known by its UID. IMAP's grow within a ``validity``; POP3's are any words, and deleting is done at ``close``.
"""

from __future__ import annotations

import imaplib
import poplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, cast

from handbill.delivery.engine.parts import MAX_BYTES
from handbill.kit.accounts import DELETE, KEEP, MOVE, Mailbox
from handbill.kit.errors import TryLater
from handbill.kit.pinned import Limits, TooMuch, dial, obeying

MAX_LINE = 1_000_000  # bytes of a line of an answer
WHOLE = 4 * MAX_BYTES  # a larger mail is read from its top, in POP3, which has no parts
TOP_LINES = 10_000
MOST_LISTED = 100_000  # mails of a mailbox
_FAULTS = (imaplib.IMAP4.error, poplib.error_proto, OSError, EOFError, ValueError, IndexError)


class MailboxTrouble(TryLater):
    """The mailbox can't be read: the sentence says why, and names no address."""


class Box(Protocol):
    """An open mailbox."""

    validity: str

    def uids(self) -> list[str]:
        """What it holds, the oldest first."""

    def read(self, uid: str) -> bytes | None:
        """A mail's beginning, ``MAX_BYTES`` at most; None where it is gone."""

    def settle(self, uid: str, after: str) -> None:
        """Do with a mail that was read as ``after`` says (``kit.accounts``)."""

    def close(self) -> None:
        """Say goodbye."""


@contextmanager
def open_box(account: Mailbox, password: str, limits: Limits, context: ssl.SSLContext | None = None) -> Iterator[Box]:
    """The mailbox, logged in. Raises MailboxTrouble, also for what goes wrong within the block; and TooMuch."""
    line: _Imap | _Pop | None = None
    try:
        line = (_Imap if account.protocol == "imap" else _Pop)(account, password, limits, context)
        yield line
        line.close()
    except (MailboxTrouble, TooMuch):
        raise
    except _FAULTS as error:
        raise MailboxTrouble(f"The bounce mailbox at {account.host}:{account.port} {_told(error)}") from None
    finally:
        if line is not None:
            with suppress(*_FAULTS):  # it may be closed by now
                line.drop()


def _told(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "has no certificate we can trust. Mend the certificate or the host name."
    if isinstance(error, ssl.SSLError):
        return "doesn't speak TLS as its address says. Write another scheme or port."
    if isinstance(error, TimeoutError):
        return "takes too long. It is tried again in some minutes."
    if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
        return "can't be reached. Check host and port in bounce_mailbox."
    return f"broke off, or answered what can't be understood ({type(error).__name__}). It is tried again."


def _refused(account: Mailbox) -> MailboxTrouble:
    return MailboxTrouble(
        f"The bounce mailbox at {account.host}:{account.port} refused the login."
        " Check its user, and the password in keys/bounce-mailbox."
    )


class _Line:
    """A library's connection over our own socket, with its limits; TLS from the start where the address says so."""

    def __init__(self, account: Mailbox, limits: Limits, context: ssl.SSLContext) -> None:
        self._account, self._limits, self._tls = account, limits, context
        super().__init__(account.host, account.port)  # type: ignore[call-arg]  # the library's

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = dial(self._account.host, self._account.port, self._limits)
        if self._account.security == "tls":
            return self._tls.wrap_socket(sock, server_hostname=self._account.host)
        return sock


class _ImapLine(_Line, imaplib.IMAP4):
    pass


class _Imap:
    def __init__(self, account: Mailbox, password: str, limits: Limits, context: ssl.SSLContext | None) -> None:
        self._account, tls = account, obeying(limits, context)
        self._line = _ImapLine(account, limits, tls)
        if account.security == "starttls":
            self._line.starttls(tls)
        self._log_in(password)
        self._done(self._line.select(_quoted(account.folder)), "has no such folder. Mend its name in bounce_mailbox.")
        self.validity = str(self._line.response("UIDVALIDITY")[1][0] or b"", "ascii")
        if not self.validity.isdigit():
            raise MailboxTrouble(f"The bounce mailbox at {account.host} numbers no mails (UIDVALIDITY). Use another.")

    def _log_in(self, password: str) -> None:
        user = self._account.user
        try:
            if "AUTH=PLAIN" in self._line.capabilities:
                self._line.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            else:
                self._line.login(user, password)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeError):
            raise _refused(self._account) from None
        self._can = b" ".join(self._line.capability()[1]).decode("ascii", "replace").upper().split()

    def uids(self) -> list[str]:
        _, data = self._done(self._line.uid("SEARCH", "UNDELETED"), "can't be searched.")
        words = b" ".join(piece for piece in data if isinstance(piece, bytes)).split()[:MOST_LISTED]
        return [str(number) for number in sorted({int(word) for word in words})]

    def read(self, uid: str) -> bytes | None:
        _, data = self._done(self._line.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_BYTES}>)"), "gives no mail out.")
        return next((bytes(piece[1]) for piece in data if isinstance(piece, tuple) and len(piece) > 1), None)

    def settle(self, uid: str, after: str) -> None:
        if after == KEEP:
            return
        if after.startswith(MOVE):
            folder, why = _quoted(after.removeprefix(MOVE)), "moves no mail to the folder of bounce_mailbox_after."
            if "MOVE" in self._can:
                self._done(self._line.uid("MOVE", uid, folder), why)
                return
            self._done(self._line.uid("COPY", uid, folder), why)
        self._done(self._line.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"), "deletes no mail.")
        if "UIDPLUS" in self._can:  # a plain EXPUNGE would take others' mails, too
            self._done(self._line.uid("EXPUNGE", uid), "deletes no mail.")

    def close(self) -> None:
        self._line.logout()

    def drop(self) -> None:
        self._line.shutdown()

    def _done(self, answer: tuple[str, list[Any]], why: str) -> tuple[str, list[Any]]:
        if answer[0] != "OK":
            raise MailboxTrouble(f"The bounce mailbox at {self._account.host} {why}")
        return answer


def _quoted(folder: str) -> str:
    """A folder's name in IMAP's own UTF-7 (RFC 3501 5.1.3), as a quoted string."""
    encoded = re.sub("&|[^\x20-\x7e]+", _shifted, folder)
    return '"' + encoded.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shifted(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    return "&" + match[0].encode("utf-7").decode().removeprefix("+").removesuffix("-").replace("/", ",") + "-"


class _PopLine(_Line, poplib.POP3):
    def _getline(self) -> tuple[bytes, int]:
        """The library's own takes no line over 2,048 bytes; mails in the wild have them."""
        line = self.file.readline(MAX_LINE + 1)
        if not line.endswith(b"\n"):
            raise poplib.error_proto("a line is cut off or too long")
        return line.rstrip(b"\r\n"), len(line)


class _Pop:
    validity = ""

    def __init__(self, account: Mailbox, password: str, limits: Limits, context: ssl.SSLContext | None) -> None:
        tls = obeying(limits, context)
        self._line = _PopLine(account, limits, tls)
        if account.security == "starttls":
            self._line.stls(tls)
        try:
            self._line.user(account.user)
            self._line.pass_(password)
        except poplib.error_proto as error:
            raise _refused(account) if str(error).startswith(("b'-ERR", "-ERR")) else error from None
        self._numbers: dict[str, int] = {}

    def uids(self) -> list[str]:
        for line in self._line.uidl()[1][:MOST_LISTED]:
            number, _, uid = line.decode("ascii").partition(" ")
            self._numbers[uid] = int(number)
        return list(self._numbers)

    def read(self, uid: str) -> bytes | None:
        number = self._numbers[uid]
        size = int(cast(bytes, self._line.list(number)).split()[2])
        _, lines, _ = self._line.retr(number) if size <= WHOLE else self._line.top(number, TOP_LINES)
        return b"\r\n".join(lines)[:MAX_BYTES]

    def settle(self, uid: str, after: str) -> None:
        if after == DELETE:
            self._line.dele(self._numbers[uid])

    def close(self) -> None:
        self._line.quit()

    def drop(self) -> None:
        self._line.close()
