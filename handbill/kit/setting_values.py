"""Read one value of a setting: text, numbers, moments, addresses and places of this machine. Pure.

Each takes the setting's name and the value as TOML gave it, and raises a ``SettingsError`` that says how to write it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from handbill.kit.errors import SettingsError
from handbill.kit.urls import AddressRefused, read_address

LONGEST_SOCKET = 107  # bytes; what Linux takes
LONGEST_PATH = 1000  # bytes
MOST_SITES = 8
HIDDEN = "…"
_SECRET = re.compile(r"password|secret|token|key")


def wrong(name: str, value: Any, fix: str) -> SettingsError:
    return SettingsError(f"{name} = {shown(name, value)}: {fix}")


def shown(name: str, value: Any) -> str:
    """The value as an error repeats it: not where it may hold a password."""
    return HIDDEN if name in ("relays", "database", "broker") or _SECRET.search(name) else repr(value)


def parts_of(value: Any) -> SplitResult | None:
    """The parts of an address; None for what is none."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        return parts if parts and parts.port != 0 else None
    except ValueError:
        return None


def read_text(name: str, value: Any) -> str:
    if not isinstance(value, str) or any(ord(c) < 32 and c != "\n" for c in value):
        raise wrong(name, value, 'write text in quotes, such as "The Valley Paper", without control characters.')
    return value.strip()


def read_line(name: str, value: Any) -> str:
    text = read_text(name, value)
    if not text or "\n" in text:
        raise wrong(name, value, 'write one line of text, such as "The Valley Paper".')
    return text


def read_language(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise wrong(name, value, 'write a language code, such as "en", "de", "ar" or "pt-br".')
    return value


def read_time_zone(name: str, value: Any) -> str:
    try:
        ZoneInfo(value)
    except Exception:
        raise wrong(name, value, 'write a zone of the IANA list, such as "Europe/Berlin" or "UTC".') from None
    return str(value)


def whole(least: int, most: int) -> Callable[[str, Any], int]:
    def parse(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong(name, value, f"write a whole number from {least} to {most}.")
        return value

    return parse


def read_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(name, value, "write true or false.")
    return value


def read_day(name: str, value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise wrong(name, value, "write a day without quotes, such as 2026-11-02.")
    return value


def read_site(name: str, value: Any) -> str:
    """Without a trailing slash, the host in lower-case ASCII (IDNA)."""
    text = read_line(name, value).rstrip("/")
    try:
        address = read_address(text)
    except AddressRefused:
        address = None
    if address is None or address.target != "/" or "#" in text:
        raise wrong(name, value, 'write the address alone, such as "https://paper.example".')
    return address.text.removesuffix("/")


def read_sites(name: str, value: Any) -> tuple[str, ...]:
    """At most MOST_SITES addresses, each as ``read_site`` gives it."""
    if not isinstance(value, list) or len(value) > MOST_SITES:
        raise wrong(name, value, f'write a list of at most {MOST_SITES} addresses, such as ["https://paper.example"].')
    return tuple(dict.fromkeys(read_site(name, one) for one in value))


def read_bind(name: str, value: Any) -> str:
    try:
        parse_host_port(read_line(name, value))
    except ValueError:
        raise wrong(name, value, 'write HOST:PORT, such as "127.0.0.1:8100".') from None
    return str(value)


def read_listener(name: str, value: Any) -> str:
    """HOST:PORT, the path of a socket, or "" for none."""
    text = read_text(name, value)
    if text.startswith("/"):
        return read_path(name, text, LONGEST_SOCKET)
    try:
        _ = text and parse_host_port(text)
    except ValueError:
        raise wrong(name, value, 'write HOST:PORT, such as "127.0.0.1:8124", a socket\'s path, or "".') from None
    return text


def read_folder(name: str, value: Any) -> str:
    text = read_text(name, value)
    return read_path(name, text, LONGEST_PATH) if text else ""


def read_path(name: str, text: str, longest: int) -> str:
    if not text.startswith("/") or "\n" in text or len(os.fsencode(text)) > longest:
        raise wrong(name, text, f"write a whole path that starts with / and has at most {longest} bytes.")
    return text


def parse_host_port(text: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` (``[::1]:80`` for IPv6). Raises ValueError when either is missing or the port is no port."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(text)
    return host.strip("[]"), int(port)


def read_unapproved(name: str, value: Any) -> str:
    """What becomes of an issue that nobody approved."""
    if value not in ("send", "hold"):
        raise wrong(name, value, 'write "send" (it goes at its hour) or "hold" (it waits for an editor).')
    return str(value)
