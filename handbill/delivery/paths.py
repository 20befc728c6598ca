"""Our marks on a copy and their reading: its return path, its reader's token, its Message-ID. Keys stay here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings

from handbill.delivery.engine.comeback import Comeback
from handbill.delivery.engine.feedback import COMPLAINT
from handbill.delivery.engine.verp import number_in, return_path
from handbill.delivery.models import Delivery
from handbill.kit.crypto import hash_under, read_token, sign_token
from handbill.kit.mail_settings import Relay

DOMAIN_PREFIX = "b-"  # where a whole domain is ours
HOOK = "webhook"
LONGEST_WAY_BACK = timedelta(days=30)


class Marks:
    """What marks copies as ours, with the keys and the place of return looked up once for many."""

    def __init__(self) -> None:
        self._name_key, self._token = _oldest(settings.KEYS.lookup.by_id), settings.KEYS.token
        self._prefix, self._domain = _place()

    def sender(self, number: int, usual: str) -> str:
        """The envelope's sender of the copy of that number: ``usual`` where no bounce_address is set."""
        return return_path(self._token, number, self._prefix, self._domain) if self._domain else usual

    def message_name(self, reference: str, recipient: str) -> str:
        """What stands before the @ of a Message-ID: the same for every try of a copy, telling nothing of the reader."""
        return hash_under(self._name_key, f"message-id\0{reference}\0{recipient}")[:40]

    def reader_token(self, recipient: str) -> str:
        """What fills a letter's slots: opens this reader's own pages."""
        return sign_token(self._token, "reader", recipient)


def code_of(number: int) -> str:
    """What names the copy of that number, and nobody else can make: ``bounces+CODE``'s code, with its plus."""
    return return_path(settings.KEYS.token, number, "+", "").removesuffix("@")


def is_return_path(address: str) -> bool:
    """Whether an address is a return path that we made. No database is asked."""
    domain = _place()[1]
    ours = domain and address.rpartition("@")[2].lower() == domain
    return bool(ours) and number_in(settings.KEYS.token, address) is not None


def hook_address(relay: Relay) -> str:
    """Where this relay's provider shall post to; nobody else can make it."""
    token = sign_token(settings.KEYS.token, HOOK, relay.name)
    return f"{settings.HANDBILL.public_address}/hooks/{token}/"


def relay_of(token: str) -> Relay | None:
    """The relay whose address a request came to."""
    name = read_token(settings.KEYS.token, HOOK, token)
    return next((relay for relay in settings.HANDBILL.relays if relay.provider and relay.name == name), None)


def copy_of(mail: Comeback, now: datetime) -> Delivery | None:
    """The copy that a mail is about, or None where it bears no genuine mark of one that is still known.

    A return path names it. Without, the letter that the mail returns does: the reader's token in its links, and its
    Message-ID. For a complaint the reader is enough.
    """
    return _by_path(mail.paths) or _by_letter(mail, now)


def _oldest(by_id: Mapping[int, bytes]) -> bytes:
    """The key that stays through every change: a copy that is tried again keeps its Message-ID."""
    return by_id[min(by_id)]


def _place() -> tuple[str, str]:
    """What stands before the code, and the domain; both empty where no bounces are asked for."""
    local, at, domain = settings.HANDBILL.bounce_address.rpartition("@")
    return (f"{local}+" if at else DOMAIN_PREFIX, domain) if domain else ("", "")


def _by_path(paths: Iterable[str]) -> Delivery | None:
    numbers = (number_in(settings.KEYS.token, path) for path in paths)
    number = next((number for number in numbers if number is not None), None)
    if number is None or number >= 2**63:  # what a column holds
        return None
    return Delivery.objects.select_related("mailing").filter(pk=number).first()


def _by_letter(mail: Comeback, now: datetime) -> Delivery | None:
    tokens = (read_token(settings.KEYS.token, "reader", token) for token in mail.tokens)
    recipient = next((subject for subject in tokens if subject), None)
    if recipient is None:
        return None
    copies = Delivery.objects.filter(mailing__created_at__gt=now - LONGEST_WAY_BACK, recipient=recipient)
    found = list(copies.select_related("mailing").order_by("-pk"))
    names = {name.lower() for name in mail.names}
    name_of = Marks().message_name
    exact = [row for row in found if name_of(row.mailing.reference, recipient) in names]
    return next(iter(exact or (found if mail.kind == COMPLAINT else ())), None)
