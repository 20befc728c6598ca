"""Ask name servers, within a time. The resolver is an argument, so that tests have a server of their own."""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.resolver
import dns.reversename

from handbill.kit.errors import TryLater

SECONDS = 5.0  # for one question, over all servers


class NoNames(TryLater):
    """No name server gave an answer, which is another thing than the answer that there is nothing."""


class Names:
    """Questions to the name system. Each method raises NoNames when nobody answers."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None) -> None:
        try:
            self._resolver = resolver or dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise NoNames("This machine knows no name server.") from error

    def texts(self, name: str) -> list[str]:
        """The TXT records, each whole."""
        return [b"".join(each.strings).decode("utf-8", "replace") for each in self._ask(name, "TXT")]

    def exchangers(self, name: str) -> list[str]:
        """The mail servers of a domain, the first choice first; "." says that it takes no mail (RFC 7505)."""
        found = sorted(self._ask(name, "MX"), key=lambda each: each.preference)
        return [str(each.exchange).rstrip(".") or "." for each in found]

    def addresses(self, name: str) -> list[str]:
        """The IP addresses of a host, of both families."""
        return [str(each.address) for kind in ("A", "AAAA") for each in self._ask(name, kind)]

    def hosts(self, address: str) -> list[str]:
        """The names of an IP address (PTR)."""
        return [
            str(each.target).rstrip(".").lower() for each in self._ask(dns.reversename.from_address(address), "PTR")
        ]

    def _ask(self, name: Any, kind: str) -> list[Any]:
        try:
            return list(self._resolver.resolve(name, kind, lifetime=SECONDS, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise NoNames(f"No name server answers about {name}.") from error
