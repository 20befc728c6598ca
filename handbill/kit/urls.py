"""Web addresses from outside: one reading of each, used both to check it and to follow it. Pure.

Two parsers that disagree about where an address leads are how guards are fooled, so every room reads addresses here.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from handbill.kit.errors import GiveUp

MAX_ADDRESS = 2000  # characters; what the tables hold
MAX_HOST = 253  # characters (RFC 1035, 2.3.4)
DEFAULT_PORTS = {"http": 80, "https": 443}

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_ORDINARY = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}"
    r"(?P<path>(?:(?:/[A-Za-z0-9_~!$&()*+,;=:@%-][A-Za-z0-9_~!$&()*+,;=:@.%-]*)+/?|/)"
    r"(?:\?[A-Za-z0-9_~!$&()*+,;=:@./?%-]*)?(?:#[A-Za-z0-9_~!$&()*+,;=:@./?%-]+)?)?"
)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?=/|$)")
_TRACKS = re.compile(
    r"(?:utm_\w+|at_\w+|pk_\w+|mtm_\w+|hsa_\w+|_hs\w+|mc_[ce]id|[a-z]*clid|fb_\w+|igshid|yclid|cmpid|cmp|ncid|ito|ref"
    r"|ref_?src|source|src|feature|smid|xtor|wt_?mc\w*|wt\.\w+|ns_\w+|partner|partnerid|rss|via|share|amp|outputtype)"
    r"(?:=|$)",
    re.IGNORECASE,
)
_ODD_PERCENT = re.compile("%(?![0-9A-F]{2})")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_V4_RANGES = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
240.0.0.0/4
"""
_V4_SPECIAL = tuple(map(ipaddress.IPv4Network, _V4_RANGES.split()))
_V6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_V6_SPECIAL = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


class AddressRefused(GiveUp):
    """The text is no web address that may be followed; says why."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An absolute http or https address, read once.

    ``host`` is lower case, ASCII (IDNA) and without brackets; ``port`` is always set; ``target`` is the path and query
    as they go on the wire; ``text`` is the whole address, without fragment.
    """

    scheme: str
    host: str
    port: int
    target: str
    text: str

    @property
    def authority(self) -> str:
        """Host and, unless it is the scheme's own, port: the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_number(self) -> bool:
        """Whether the host is an IP address, not a name; ``read_address`` lets only plain ones through."""
        return ":" in self.host or self.host.rpartition(".")[2].isdigit()


def read_address(text: str) -> WebAddress:
    """Read an address from outside. Raises AddressRefused, with the reason as a sentence.

    Refused: other schemes, a user name or password, control characters and backslashes, numbers that stand for a host
    in any form but the plain dotted one (they are only written to hide where they lead), zone ids, no host at all.
    """
    text = text.strip()
    if len(text) > MAX_ADDRESS:
        raise AddressRefused(f"The address is longer than {MAX_ADDRESS} characters. Look for a shorter one.")
    if _FORBIDDEN.search(text):
        raise AddressRefused(
            "The address holds control characters or backslashes. Copy it again from the outlet's site."
        )
    url = _parse(text)
    scheme = (url.scheme or "").lower()
    if scheme not in DEFAULT_PORTS:
        raise AddressRefused(
            "The address doesn't start with http:// or https://. Copy it again from the outlet's site."
        )
    if url.auth is not None:
        raise AddressRefused("The address holds a user name or password. Write it without them.")
    host = _host(url.host or "")
    if url.port == 0:
        raise AddressRefused("The address names port 0, which doesn't exist. Copy it again from the outlet's site.")
    port = url.port or DEFAULT_PORTS[scheme]
    target = (url.path or "/") + (f"?{url.query}" if url.query is not None else "")
    bare = WebAddress(scheme, host, port, target, "")
    whole = f"{scheme}://{bare.authority}{target}"
    if len(whole) > MAX_ADDRESS:
        raise AddressRefused(f"The address is longer than {MAX_ADDRESS} characters. Look for a shorter one.")
    return WebAddress(scheme, host, port, target, whole)


def resolve_link(base: str, link: str) -> str:
    """The absolute http(s) address that ``link`` means on the page ``base``, fragment kept; "" when it is none."""
    link = link.strip()
    if link.startswith("#") and base.startswith(("http://", "https://")):
        link = base.partition("#")[0] + link
    elif link.startswith("/") and not link.startswith("//") and (origin := _ORIGIN.match(base)):
        link = origin[0] + link
    if len(link) < MAX_ADDRESS and not ("%" in link and _ODD_PERCENT.search(link)):
        ordinary = _ORDINARY.fullmatch(link)
        if ordinary:  # nothing in it would be read or written in another way
            return link if ordinary["path"] else link + "/"
    link = re.sub(r"[\t\r\n]", "", link)
    if not link:
        return ""
    try:
        joined = urljoin(base, link)
        whole, hash_sign, fragment = joined.partition("#")
        text = read_address(whole).text
    except (AddressRefused, ValueError):
        return ""
    if not fragment or len(text) + len(fragment) >= MAX_ADDRESS or re.search(r"[\s<>\"'`\x00-\x1f\x7f\\]", fragment):
        return text
    return text + hash_sign + fragment


def host_name(address: str) -> str:
    """The host of an address in lower case, without its port; "" when it has none or is no address."""
    try:
        return (urlsplit(address.strip()).hostname or "")[:MAX_HOST]
    except ValueError:
        return ""


def site_name(address: str) -> str:
    """The host without a leading "www.", by which people know a site."""
    return host_name(address).removeprefix("www.")


def bare_address(text: str) -> str:
    """What of an address chooses the page, to tell whether two lead to the same one; not for following.

    Scheme, "www.", fragment, last slash and parameters that only track the reader are left out, the others are sorted.
    "" for what is no web address, and for a site's front page.
    """
    try:
        parts = urlsplit(text.strip()[:MAX_ADDRESS])
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    path = parts.path.rstrip("/")
    kept = sorted(pair for pair in parts.query.split("&") if pair and not _TRACKS.match(pair)) if parts.query else []
    if parts.scheme not in DEFAULT_PORTS or not host or not (path or kept):
        return ""
    return f"{host}{path}?{'&'.join(kept)}" if kept else f"{host}{path}"


def why_not_public(address: str) -> str:
    """Why an IP address is not a place on the public internet, or "" when it is one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "it is no network address"
    if isinstance(ip, ipaddress.IPv4Address):
        inside = next((network for network in _V4_SPECIAL if ip in network), None)
        return f"it lies in {inside}, which is set aside for special uses" if inside else ""
    if getattr(ip, "scope_id", None) or ip not in _V6_PUBLIC:
        return f"it lies outside {_V6_PUBLIC}, the public part of IPv6"
    special = next((network for network in _V6_SPECIAL if ip in network), None)
    return f"it lies in {special}, which is set aside for special uses" if special else ""


def _parse(text: str) -> Url:
    try:
        return parse_url(text)
    except (LocationParseError, ValueError):
        raise AddressRefused("The text is no web address. Write one such as https://paper.example/feed.xml.") from None


def _host(host: str) -> str:
    if host.startswith("["):
        try:
            return ipaddress.IPv6Address(host.strip("[]")).compressed if "%" not in host else _refuse_host()
        except ValueError:
            _refuse_host()
    host = host.lower().removesuffix(".")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _plain_number(host)
    return host if _HOST_NAME.fullmatch(host) else _refuse_host()


def _plain_number(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        return _refuse_host()


def _refuse_host() -> str:
    raise AddressRefused(
        "The address names no host, or one in a form that hides it. Write its name, such as paper.example."
    )
