"""The newsroom's settings: ``handbill.toml`` plus ``HANDBILL_*`` overrides, parsed once into one frozen object.

A value that makes no sense stops the start with a ``SettingsError`` that names the setting, the value and the fix.
An environment override is written as the TOML value it replaces (``HANDBILL_DIGEST_HOUR=6``); text needs no quotes.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from handbill.kit.accounts import KEEP, Mailbox
from handbill.kit.errors import SettingsError
from handbill.kit.mail_settings import (
    Dkim,
    Relay,
    parse_dkim,
    read_bounce_address,
    read_bounce_after,
    read_bounce_mailbox,
    read_canary_domain,
    read_provider_rates,
    read_reading_domain,
    read_relays,
    read_sender,
)
from handbill.kit.setting_values import (
    parse_host_port,
    parts_of,
    read_bind,
    read_flag,
    read_folder,
    read_language,
    read_line,
    read_listener,
    read_site,
    read_sites,
    read_text,
    read_time_zone,
    read_unapproved,
    shown,
    whole,
    wrong,
)

FILE_NAME = "handbill.toml"
BROKER_SCHEMES = ("amqp", "amqps")
DATABASE_SCHEMES = ("postgresql", "postgres")
LONGEST_NAME = 120  # characters


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. Paths hang off ``home``; addresses carry no trailing slash."""

    home: Path
    name: str = "Our newsroom"
    language: str = "en"
    time_zone: str = "UTC"
    digest_hour: int = 7
    digest_articles: int = 12
    digest_per_outlet: int = 4
    digest_per_topic: int = 6
    weekly_articles: int = 20
    digest_unapproved: Literal["send", "hold"] = "send"
    alerts_a_day: int = 3
    alerts_a_week: int = 7
    alerts_a_reader_a_day: int = 1
    alerts_a_reader_a_week: int = 3
    alerts_quiet_from: int = 22
    alerts_quiet_until: int = 7
    public_address: str = "http://127.0.0.1:8100"
    desk_address: str = "http://localhost:8101"
    public_bind: str = "127.0.0.1:8100"
    desk_bind: str = "127.0.0.1:8101"
    from_address: str = "newsroom@localhost"
    postal_address: str = ""
    other_addresses: tuple[str, ...] = ()
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
    left_days: int = 365
    export_days: int = 1095
    login_days: int = 30
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
            f"{unknown[0]} = {shown(unknown[0], values[unknown[0]])}: there is no such setting."
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
            f"HANDBILL_{name.upper()} = {shown(name, raw)} is not a value as {FILE_NAME} writes it ({error})."
            " Write it as there."
        ) from error


def _name(name: str, value: Any) -> str:
    text = read_line(name, value)
    if len(text) > LONGEST_NAME:
        raise wrong(name, value, f"write at most {LONGEST_NAME} characters: it stands in every letter's subject.")
    return text


def _database(name: str, value: Any) -> str:
    parts = parts_of(value)
    if value == "sqlite" or (parts and parts.scheme in DATABASE_SCHEMES):
        return str(value)
    raise wrong(
        name, value, 'write "sqlite" or "postgresql://USER@HOST/NAME" (password in PGPASSFILE or the override).'
    )


def _broker(name: str, value: Any) -> str:
    parts = parts_of(value)
    if value == "filesystem" or (parts and parts.scheme in BROKER_SCHEMES):
        return str(value)
    raise wrong(name, value, 'write "filesystem" or "amqp://USER@HOST//" (password in the override HANDBILL_BROKER).')


def _loopback(raw: str) -> frozenset[tuple[str, int]]:
    pairs = [part.strip() for part in raw.split(",") if part.strip()]
    try:
        return frozenset(parse_host_port(pair) for pair in pairs)
    except ValueError:
        raise wrong("HANDBILL_ALLOW_LOOPBACK", raw, "write HOST:PORT, such as 127.0.0.1:8123.") from None


_PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "name": _name,
    "language": read_language,
    "time_zone": read_time_zone,
    "digest_hour": whole(0, 23),
    "digest_articles": whole(1, 100),
    "digest_per_outlet": whole(0, 100),
    "digest_per_topic": whole(0, 100),
    "weekly_articles": whole(1, 100),
    "digest_unapproved": read_unapproved,
    "alerts_a_day": whole(0, 100),
    "alerts_a_week": whole(0, 700),
    "alerts_a_reader_a_day": whole(1, 100),
    "alerts_a_reader_a_week": whole(1, 700),
    "alerts_quiet_from": whole(0, 23),
    "alerts_quiet_until": whole(0, 23),
    "public_address": read_site,
    "desk_address": read_site,
    "public_bind": read_bind,
    "desk_bind": read_bind,
    "from_address": read_sender,
    "postal_address": read_text,
    "other_addresses": read_sites,
    "relays": read_relays,
    "provider_rates": read_provider_rates,
    "dkim": lambda name, value: parse_dkim(value),
    "database": _database,
    "broker": _broker,
    "workers": whole(1, 64),
    "auto": read_flag,
    "auto_stories": whole(1, 100),
    "auto_topics": read_flag,
    "newsletter_listen": read_listener,
    "newsletter_domain": read_reading_domain,
    "newsletter_maildir": read_folder,
    "bounce_address": read_bounce_address,
    "bounce_maildir": read_folder,
    "bounce_mailbox": read_bounce_mailbox,
    "bounce_mailbox_after": read_bounce_after,
    "retention_days": whole(1, 3650),
    "still_reading_days": whole(0, 3650),
    "held_days": whole(7, 3650),
    "left_days": whole(30, 3650),
    "export_days": whole(30, 3650),
    "login_days": whole(1, 3650),
    "canary_domain": read_canary_domain,
}
_OF_TEXT = (
    *(_name, read_text, read_language, read_time_zone, read_site, read_bind, read_sender, _database, _broker),
    *(read_unapproved, read_listener, read_folder, read_reading_domain, read_canary_domain),
    *(read_bounce_address, read_bounce_mailbox, read_bounce_after),
)
_TEXTS = frozenset(name for name, parser in _PARSERS.items() if parser in _OF_TEXT)
"""Settings whose override needs no quotes."""
