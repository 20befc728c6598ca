"""The newsroom's settings: ``handbill.toml`` plus ``HANDBILL_*`` overrides, parsed once into one frozen object.

A value that makes no sense stops the start with a ``SettingsError`` that names the setting, the value and the fix.
An environment override is written as the TOML value it replaces (``HANDBILL_DIGEST_HOUR=6``); text needs no quotes.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

from handbill.kit.accounts import KEEP, Mailbox, read_after, read_api, read_mailbox
from handbill.kit.errors import SettingsError
from handbill.kit.providers import PROVIDER_NAMES
from handbill.kit.urls import AddressRefused, read_address

FILE_NAME = "handbill.toml"
RELAY_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
BROKER_SCHEMES = ("amqp", "amqps")
DATABASE_SCHEMES = ("postgresql", "postgres")
LONGEST_NAME = 120  # characters
LONGEST_DOMAIN = 200  # characters
LONGEST_SOCKET = 107  # bytes; what Linux takes
LONGEST_PATH = 1000  # bytes
LONGEST_MAILBOX = 300  # characters; what delivery's tables hold
LONGEST_BOUNCE_NAME = 37  # characters: a plus and the code fill the 64 of a local part
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_SECRET = re.compile(r"password|secret|token|key")
_HIDDEN = "…"


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


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. Paths hang off ``home``; addresses carry no trailing slash."""

    home: Path
    name: str = "Our newsroom"
    language: str = "en"
    time_zone: str = "UTC"
    digest_hour: int = 7
    public_address: str = "http://127.0.0.1:8100"
    desk_address: str = "http://localhost:8101"
    public_bind: str = "127.0.0.1:8100"
    desk_bind: str = "127.0.0.1:8101"
    from_address: str = "newsroom@localhost"
    postal_address: str = ""
    relays: tuple[Relay, ...] = (Relay("local", "127.0.0.1", 25, "smtp"),)
    provider_rates: tuple[tuple[str, int], ...] = ()
    dkim: tuple[Dkim, ...] = ()
    database: str = "sqlite"
    broker: str = "filesystem"
    workers: int = 4
    auto: bool = False
    auto_stories: int = 12
    auto_topics: bool = False
    newsletter_listen: str = ""
    newsletter_domain: str = ""
    newsletter_maildir: str = ""
    bounce_address: str = ""
    bounce_maildir: str = ""
    bounce_mailbox: Mailbox | None = None
    bounce_mailbox_after: str = KEEP
    retention_days: int = 14
    still_reading_days: int = 180
    held_days: int = 90
    canary_domain: str = ""
    allow_loopback: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def site_folder(self) -> Path:
        """The built public site."""
        return self.home / "site"

    @property
    def media_folder(self) -> Path:
        """Images uploaded at the desk."""
        return self.home / "media"

    @property
    def static_folder(self) -> Path:
        """The desk's own styles and scripts, collected at start."""
        return self.home / "static"

    @property
    def keys_folder(self) -> Path:
        return self.home / "keys"

    @property
    def search_folder(self) -> Path:
        """This machine's search index: rebuilt from the database at any time."""
        return self.home / "search"

    @property
    def inbox_folder(self) -> Path:
        """Mails taken in and not looked at yet: a maildir for each purpose, such as ``newsletters``."""
        return self.home / "inbox"

    @property
    def sender_domain(self) -> str:
        """The domain that readers see."""
        return parseaddr(self.from_address)[1].rpartition("@")[2].lower()

    @property
    def run_folder(self) -> Path:
        """Lock, sockets, logs and the embedded queue of a running newsroom."""
        return self.home / "run"

    @property
    def embedded(self) -> bool:
        """Whether the database is the newsroom's own SQLite file."""
        return self.database == "sqlite"


def find_home(given: str | None, environ: Mapping[str, str]) -> Path:
    """The newsroom's folder: ``--home``, else ``HANDBILL_HOME``, else the current folder."""
    return Path(given or environ.get("HANDBILL_HOME") or ".").resolve()


def load_settings(home: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``home/handbill.toml`` and the overrides in ``environ``.

    Raises SettingsError when the folder holds no newsroom, the file isn't TOML, or a value is unknown or wrong.
    """
    path = home / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise SettingsError(
            f"{home} holds no newsroom ({FILE_NAME} is missing). Make one with `handbill init {home}`,"
            " or name another folder with --home or HANDBILL_HOME."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}. It must be a UTF-8 text file you may read.") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}. Mend that line; text needs quotes.") from error
    return parse_settings(home, values, environ)


def parse_settings(home: Path, values: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Check ``values`` (parsed TOML) with the overrides of ``environ`` on top and freeze them."""
    unknown = sorted(set(values) - set(_PARSERS))
    if unknown:
        raise SettingsError(
            f"{unknown[0]} = {_shown(unknown[0], values[unknown[0]])}: there is no such setting."
            " Remove it, or write one of: " + ", ".join(sorted(_PARSERS)) + "."
        )
    merged = {**values, **_overrides(environ)}
    parsed = {name: _PARSERS[name](name, value) for name, value in merged.items()}
    return Settings(home=home, allow_loopback=_loopback(environ.get("HANDBILL_ALLOW_LOOPBACK", "")), **parsed)


def setting_names() -> tuple[str, ...]:
    """The settings an operator can write, in the order of the reference."""
    return tuple(f.name for f in fields(Settings) if f.name in _PARSERS)


def _overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _PARSERS:
        raw = environ.get(f"HANDBILL_{name.upper()}")
        if raw is not None:
            found[name] = raw if name in _TEXTS else _toml_value(name, raw)
    return found


def _toml_value(name: str, raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"HANDBILL_{name.upper()} = {_shown(name, raw)} is not a value as {FILE_NAME} writes it ({error})."
            " Write it as there."
        ) from error


def _wrong(name: str, value: Any, fix: str) -> SettingsError:
    return SettingsError(f"{name} = {_shown(name, value)}: {fix}")


def _shown(name: str, value: Any) -> str:
    """The value as an error repeats it: not where it may hold a password."""
    return _HIDDEN if name in ("relays", "database", "broker") or _SECRET.search(name) else repr(value)


def _parts(value: Any) -> SplitResult | None:
    """The parts of an address; None for what is none."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        return parts if parts and parts.port != 0 else None
    except ValueError:
        return None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or any(ord(c) < 32 and c != "\n" for c in value):
        raise _wrong(name, value, 'write text in quotes, such as "The Valley Paper", without control characters.')
    return value.strip()


def _line(name: str, value: Any) -> str:
    text = _text(name, value)
    if not text or "\n" in text:
        raise _wrong(name, value, 'write one line of text, such as "The Valley Paper".')
    return text


def _name(name: str, value: Any) -> str:
    text = _line(name, value)
    if len(text) > LONGEST_NAME:
        raise _wrong(name, value, f"write at most {LONGEST_NAME} characters: it stands in every letter's subject.")
    return text


def _language(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise _wrong(name, value, 'write a language code, such as "en", "de", "ar" or "pt-br".')
    return value


def _time_zone(name: str, value: Any) -> str:
    try:
        ZoneInfo(value)
    except Exception:
        raise _wrong(name, value, 'write a zone of the IANA list, such as "Europe/Berlin" or "UTC".') from None
    return str(value)


def _whole(least: int, most: int) -> Callable[[str, Any], int]:
    def parse(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _wrong(name, value, f"write a whole number from {least} to {most}.")
        return value

    return parse


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "write true or false.")
    return value


def _address(name: str, value: Any) -> str:
    """Without a trailing slash, the host in lower-case ASCII (IDNA)."""
    text = _line(name, value).rstrip("/")
    try:
        address = read_address(text)
    except AddressRefused:
        address = None
    if address is None or address.target != "/" or "#" in text:
        raise _wrong(name, value, 'write the address alone, such as "https://paper.example".')
    return address.text.removesuffix("/")


def _bind(name: str, value: Any) -> str:
    try:
        parse_host_port(_line(name, value))
    except ValueError:
        raise _wrong(name, value, 'write HOST:PORT, such as "127.0.0.1:8100".') from None
    return str(value)


def _listener(name: str, value: Any) -> str:
    """HOST:PORT, the path of a socket, or "" for none."""
    text = _text(name, value)
    if text.startswith("/"):
        return _path(name, text, LONGEST_SOCKET)
    try:
        _ = text and parse_host_port(text)
    except ValueError:
        raise _wrong(name, value, 'write HOST:PORT, such as "127.0.0.1:8124", a socket\'s path, or "".') from None
    return text


def _folder(name: str, value: Any) -> str:
    text = _text(name, value)
    return _path(name, text, LONGEST_PATH) if text else ""


def _path(name: str, text: str, longest: int) -> str:
    if not text.startswith("/") or "\n" in text or len(os.fsencode(text)) > longest:
        raise _wrong(name, text, f"write a whole path that starts with / and has at most {longest} bytes.")
    return text


def _reading_domain(name: str, value: Any) -> str:
    """``paper.example``, or ``news+@paper.example``: the key goes before the @."""
    text = _text(name, value).lower()
    local, _, domain = text.rpartition("@")
    if text and not (len(text) <= LONGEST_DOMAIN and _is_mailbox(f"{local}key@{domain}")):
        raise _wrong(name, value, 'write the domain alone, such as "letters.paper.example", or "news+@paper.example".')
    return text


def _canary_domain(name: str, value: Any) -> str:
    text = _text(name, value).lower()
    if text and not (len(text) <= LONGEST_DOMAIN and "@" not in text and "." in text and _is_mailbox(f"c@{text}")):
        raise _wrong(name, value, 'write a domain alone whose mail you read, such as "paper.example".')
    return text


def _bounce_address(name: str, value: Any) -> str:
    """``bounces@paper.example``, to which a plus and a code are added, or a whole domain of ours."""
    text = _text(name, value).lower()
    local, at, domain = text.rpartition("@")
    if text and not (
        len(local) <= LONGEST_BOUNCE_NAME and _is_mailbox(text if at else f"b@{domain}") and "." in domain
    ):
        fix = 'write "bounces@paper.example", whose mail server takes bounces+CODE@paper.example, or a domain alone.'
        raise _wrong(name, value, fix)
    return text


def _bounce_mailbox(name: str, value: Any) -> Mailbox | None:
    text = _text(name, value)
    try:
        return read_mailbox(text) if text else None
    except ValueError as error:
        raise _wrong(name, _HIDDEN, str(error)) from None


def _after(name: str, value: Any) -> str:
    try:
        return read_after(_text(name, value))
    except ValueError as error:
        raise _wrong(name, value, str(error)) from None


def _mailbox(name: str, value: Any) -> str:
    text = _line(name, value)
    address = parseaddr(text)[1]
    alone = text == address or text.endswith(f"<{address}>")
    if not alone or len(text) > LONGEST_MAILBOX or not _is_mailbox(address):
        raise _wrong(name, value, 'write a mailbox, such as "The Valley Paper <news@paper.example>".')
    return text


def _is_mailbox(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    try:
        read_address(f"http://{domain}")
    except AddressRefused:
        return False
    return _LOCAL_PART.fullmatch(local) is not None and not set(domain) & set(":/?#[]")


def _relays(name: str, value: Any) -> tuple[Relay, ...]:
    fix = (
        'write [[relays]] tables with name = "main" and address = "smtp+starttls://user@mail.example:587"; further: '
        + ", ".join(_RELAY_LIMITS)
        + "."
    )
    if not isinstance(value, list) or not value:
        raise _wrong(name, value, fix)
    relays = tuple(_relay(name, entry, fix) for entry in value)
    if len({relay.name for relay in relays}) < len(relays):
        raise _wrong(name, value, "give each relay a name of its own.")
    return relays


def _relay(name: str, entry: Any, fix: str) -> Relay:
    if isinstance(entry, dict) and "provider" in entry:
        return _api_relay(name, entry, fix)
    if not isinstance(entry, dict) or not {"name", "address"} <= set(entry) <= {"name", "address", *_RELAY_LIMITS}:
        raise _wrong(name, entry, fix)
    label, parts = _label(name, entry["name"]), _parts(entry["address"])
    if parts and parts.password is not None:
        raise SettingsError(
            f"{name}.address of {label!r} holds a password. Take it out and put it into keys/relay-{label}"
            f" or HANDBILL_RELAY_PASSWORD_{label.upper().replace('-', '_')}."
        )
    if not parts or parts.scheme not in RELAY_PORTS or not parts.hostname or parts.path.strip("/"):
        fix = "write smtp://HOST:PORT, smtp+starttls://USER@HOST or smtps://HOST."
        raise _wrong(f"{name}.address", entry["address"] if parts and not parts.username else _HIDDEN, fix)
    port = parts.port or RELAY_PORTS[parts.scheme]
    return Relay(label, parts.hostname, port, parts.scheme, unquote(parts.username or ""), **_limits(name, entry))


def _api_relay(name: str, entry: dict[str, Any], fix: str) -> Relay:
    if not {"name", "provider"} <= set(entry) <= {"name", "provider", "options", "address", *_RELAY_LIMITS}:
        raise _wrong(name, entry, fix)
    label = _label(name, entry["name"])
    try:
        api = read_api(entry["provider"], entry.get("options", {}), entry.get("address"))
    except ValueError as error:
        raise _wrong(f"{name}.provider of {label!r}", _HIDDEN, str(error)) from None
    limits = _limits(name, entry)
    return Relay(label, api.host, api.port, "api", provider=api.provider, base=api.base, options=api.options, **limits)


def _label(name: str, label: Any) -> str:
    if not isinstance(label, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", label):
        raise _wrong(f"{name}.name", label, "use small letters, digits and hyphens.")
    return label


def _limits(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {key: parse(f"{name}.{key}", entry[key]) for key, parse in _RELAY_LIMITS.items() if key in entry}


def parse_dkim(value: Any) -> tuple[Dkim, ...]:
    """The tables of ``dkim``. Raises SettingsError."""
    name = "dkim"
    fix = 'write [{ selector = "hb1" }]; `handbill dkim hb1` makes the key. A domain may stand beside it.'
    known = {"selector", "domain"}
    if not isinstance(value, list) or not all(isinstance(one, dict) and set(one) <= known for one in value):
        raise _wrong(name, value, fix)
    for one in value:
        if not _is_selector(one.get("selector")) or ("domain" in one and not _is_mailbox(f"a@{one['domain']}")):
            raise _wrong(name, one, fix)
    if len({one["selector"] for one in value}) < len(value):
        raise _wrong(name, value, "name each selector once.")
    return tuple(Dkim(one["selector"], str(one.get("domain", "")).lower()) for one in value)


def _is_selector(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value) is not None


def _day(name: str, value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _wrong(name, value, "write a day without quotes, such as 2026-11-02.")
    return value


def _provider_rates(name: str, value: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, dict) or not set(value) <= PROVIDER_NAMES:
        raise _wrong(name, value, f"write copies a second for some of: {', '.join(sorted(PROVIDER_NAMES))}.")
    return tuple((provider, _whole(1, 100_000)(f"{name}.{provider}", rate)) for provider, rate in value.items())


def _database(name: str, value: Any) -> str:
    parts = _parts(value)
    if value == "sqlite" or (parts and parts.scheme in DATABASE_SCHEMES):
        return str(value)
    raise _wrong(
        name, value, 'write "sqlite" or "postgresql://USER@HOST/NAME" (password in PGPASSFILE or the override).'
    )


def _broker(name: str, value: Any) -> str:
    parts = _parts(value)
    if value == "filesystem" or (parts and parts.scheme in BROKER_SCHEMES):
        return str(value)
    raise _wrong(name, value, 'write "filesystem" or "amqp://USER@HOST//" (password in the override HANDBILL_BROKER).')


def _loopback(raw: str) -> frozenset[tuple[str, int]]:
    pairs = [part.strip() for part in raw.split(",") if part.strip()]
    try:
        return frozenset(parse_host_port(pair) for pair in pairs)
    except ValueError:
        raise _wrong("HANDBILL_ALLOW_LOOPBACK", raw, "write HOST:PORT, such as 127.0.0.1:8123.") from None


def parse_host_port(text: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` (``[::1]:80`` for IPv6). Raises ValueError when either is missing or the port is no port."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(text)
    return host.strip("[]"), int(port)


_RELAY_LIMITS: dict[str, Callable[[str, Any], Any]] = {
    "priority": _whole(1, 100),
    "share": _whole(0, 50),
    "connections": _whole(1, 100),
    "messages": _whole(0, 1_000_000),
    "rate": _whole(0, 100_000),
    "daily": _whole(0, 1_000_000_000),
    "warm_up": _day,
}
_PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "name": _name,
    "language": _language,
    "time_zone": _time_zone,
    "digest_hour": _whole(0, 23),
    "public_address": _address,
    "desk_address": _address,
    "public_bind": _bind,
    "desk_bind": _bind,
    "from_address": _mailbox,
    "postal_address": _text,
    "relays": _relays,
    "provider_rates": _provider_rates,
    "dkim": lambda name, value: parse_dkim(value),
    "database": _database,
    "broker": _broker,
    "workers": _whole(1, 64),
    "auto": _flag,
    "auto_stories": _whole(1, 100),
    "auto_topics": _flag,
    "newsletter_listen": _listener,
    "newsletter_domain": _reading_domain,
    "newsletter_maildir": _folder,
    "bounce_address": _bounce_address,
    "bounce_maildir": _folder,
    "bounce_mailbox": _bounce_mailbox,
    "bounce_mailbox_after": _after,
    "retention_days": _whole(1, 3650),
    "still_reading_days": _whole(0, 3650),
    "held_days": _whole(7, 3650),
    "canary_domain": _canary_domain,
}
_TEXTS = frozenset(
    name
    for name, parser in _PARSERS.items()
    if parser in (_name, _text, _language, _time_zone, _address, _bind, _mailbox, _database, _broker)
    or parser in (_listener, _reading_domain, _folder, _bounce_address, _bounce_mailbox, _after, _canary_domain)
)
"""Settings whose override needs no quotes."""
