"""Read the settings of mail: relays, DKIM keys, the sender, and where bounces and newsletters come to. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote

from handbill.kit.accounts import Mailbox, read_after, read_api, read_mailbox
from handbill.kit.errors import SettingsError
from handbill.kit.providers import PROVIDER_NAMES
from handbill.kit.setting_values import HIDDEN, parts_of, read_day, read_line, read_text, whole, wrong
from handbill.kit.urls import AddressRefused, read_address

RELAY_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LONGEST_DOMAIN = 200  # characters
LONGEST_MAILBOX = 300  # characters; what delivery's tables hold
LONGEST_BOUNCE_NAME = 37  # characters: a plus and the code fill the 64 of a local part
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")


@dataclass(frozen=True, slots=True)
class Relay:
    """A next-hop mail server, or a ``provider``'s API at ``base`` (empty: its usual address), with its ``options``.

    The password or key is never here: ``keys/relay-NAME`` or ``HANDBILL_RELAY_PASSWORD_NAME``.
    """

    name: str
    host: str
    port: int
    security: str  # "smtp" (plain), "smtp+starttls", "smtps" or "api"
    user: str = ""
    priority: int = 1  # the lowest first; equal ones in the order of the file
    share: int = 0  # percent of the mail that goes this way though a better relay works
    connections: int = 4
    messages: int = 0  # over one connection; 0: as many as the relay takes
    rate: int = 0  # copies a second; 0: no limit
    daily: int = 0  # copies a day (UTC); 0: no limit
    warm_up: date | None = None  # first day of a new address or domain
    provider: str = ""
    base: str = ""
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Dkim:
    """A key that letters are signed with: in ``keys/dkim-SELECTOR``, published at ``SELECTOR._domainkey.DOMAIN``."""

    selector: str
    domain: str = ""  # empty: that of from_address


def read_sender(name: str, value: Any) -> str:
    text = read_line(name, value)
    address = parseaddr(text)[1]
    alone = text == address or text.endswith(f"<{address}>")
    if not alone or len(text) > LONGEST_MAILBOX or not _is_mailbox(address):
        raise wrong(name, value, 'write a mailbox, such as "The Valley Paper <news@paper.example>".')
    return text


def _is_mailbox(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    try:
        read_address(f"http://{domain}")
    except AddressRefused:
        return False
    return _LOCAL_PART.fullmatch(local) is not None and not set(domain) & set(":/?#[]")


def read_reading_domain(name: str, value: Any) -> str:
    """``paper.example``, or ``news+@paper.example``: the key goes before the @."""
    text = read_text(name, value).lower()
    local, _, domain = text.rpartition("@")
    if text and not (len(text) <= LONGEST_DOMAIN and _is_mailbox(f"{local}key@{domain}")):
        raise wrong(name, value, 'write the domain alone, such as "letters.paper.example", or "news+@paper.example".')
    return text


def read_canary_domain(name: str, value: Any) -> str:
    text = read_text(name, value).lower()
    if text and not (len(text) <= LONGEST_DOMAIN and "@" not in text and "." in text and _is_mailbox(f"c@{text}")):
        raise wrong(name, value, 'write a domain alone whose mail you read, such as "paper.example".')
    return text


def read_bounce_address(name: str, value: Any) -> str:
    """``bounces@paper.example``, to which a plus and a code are added, or a whole domain of ours."""
    text = read_text(name, value).lower()
    local, at, domain = text.rpartition("@")
    if text and not (
        len(local) <= LONGEST_BOUNCE_NAME and _is_mailbox(text if at else f"b@{domain}") and "." in domain
    ):
        fix = 'write "bounces@paper.example", whose mail server takes bounces+CODE@paper.example, or a domain alone.'
        raise wrong(name, value, fix)
    return text


def read_bounce_mailbox(name: str, value: Any) -> Mailbox | None:
    text = read_text(name, value)
    try:
        return read_mailbox(text) if text else None
    except ValueError as error:
        raise wrong(name, HIDDEN, str(error)) from None


def read_bounce_after(name: str, value: Any) -> str:
    try:
        return read_after(read_text(name, value))
    except ValueError as error:
        raise wrong(name, value, str(error)) from None


def read_relays(name: str, value: Any) -> tuple[Relay, ...]:
    fix = (
        'write [[relays]] tables with name = "main" and address = "smtp+starttls://user@mail.example:587"; further: '
        + ", ".join(_RELAY_LIMITS)
        + "."
    )
    if not isinstance(value, list) or not value:
        raise wrong(name, value, fix)
    relays = tuple(_relay(name, entry, fix) for entry in value)
    if len({relay.name for relay in relays}) < len(relays):
        raise wrong(name, value, "give each relay a name of its own.")
    return relays


def _relay(name: str, entry: Any, fix: str) -> Relay:
    if isinstance(entry, dict) and "provider" in entry:
        return _api_relay(name, entry, fix)
    if not isinstance(entry, dict) or not {"name", "address"} <= set(entry) <= {"name", "address", *_RELAY_LIMITS}:
        raise wrong(name, entry, fix)
    label, parts = _label(name, entry["name"]), parts_of(entry["address"])
    if parts and parts.password is not None:
        raise SettingsError(
            f"{name}.address of {label!r} holds a password. Take it out and put it into keys/relay-{label}"
            f" or HANDBILL_RELAY_PASSWORD_{label.upper().replace('-', '_')}."
        )
    if not parts or parts.scheme not in RELAY_PORTS or not parts.hostname or parts.path.strip("/"):
        fix = "write smtp://HOST:PORT, smtp+starttls://USER@HOST or smtps://HOST."
        raise wrong(f"{name}.address", entry["address"] if parts and not parts.username else HIDDEN, fix)
    port = parts.port or RELAY_PORTS[parts.scheme]
    return Relay(label, parts.hostname, port, parts.scheme, unquote(parts.username or ""), **_limits(name, entry))


def _api_relay(name: str, entry: dict[str, Any], fix: str) -> Relay:
    if not {"name", "provider"} <= set(entry) <= {"name", "provider", "options", "address", *_RELAY_LIMITS}:
        raise wrong(name, entry, fix)
    label = _label(name, entry["name"])
    try:
        api = read_api(entry["provider"], entry.get("options", {}), entry.get("address"))
    except ValueError as error:
        raise wrong(f"{name}.provider of {label!r}", HIDDEN, str(error)) from None
    limits = _limits(name, entry)
    return Relay(label, api.host, api.port, "api", provider=api.provider, base=api.base, options=api.options, **limits)


def _label(name: str, label: Any) -> str:
    if not isinstance(label, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", label):
        raise wrong(f"{name}.name", label, "use small letters, digits and hyphens.")
    return label


def _limits(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {key: parse(f"{name}.{key}", entry[key]) for key, parse in _RELAY_LIMITS.items() if key in entry}


def parse_dkim(value: Any) -> tuple[Dkim, ...]:
    """The tables of ``dkim``. Raises SettingsError."""
    name = "dkim"
    fix = 'write [{ selector = "hb1" }]; `handbill dkim hb1` makes the key. A domain may stand beside it.'
    known = {"selector", "domain"}
    if not isinstance(value, list) or not all(isinstance(one, dict) and set(one) <= known for one in value):
        raise wrong(name, value, fix)
    for one in value:
        if not _is_selector(one.get("selector")) or ("domain" in one and not _is_mailbox(f"a@{one['domain']}")):
            raise wrong(name, one, fix)
    if len({one["selector"] for one in value}) < len(value):
        raise wrong(name, value, "name each selector once.")
    return tuple(Dkim(one["selector"], str(one.get("domain", "")).lower()) for one in value)


def _is_selector(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value) is not None


def read_provider_rates(name: str, value: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, dict) or not set(value) <= PROVIDER_NAMES:
        raise wrong(name, value, f"write copies a second for some of: {', '.join(sorted(PROVIDER_NAMES))}.")
    return tuple((provider, whole(1, 100_000)(f"{name}.{provider}", rate)) for provider, rate in value.items())


_RELAY_LIMITS: dict[str, Callable[[str, Any], Any]] = {
    "priority": whole(1, 100),
    "share": whole(0, 50),
    "connections": whole(1, 100),
    "messages": whole(0, 1_000_000),
    "rate": whole(0, 100_000),
    "daily": whole(0, 1_000_000_000),
    "warm_up": read_day,
}
