"""A name server on loopback that knows what it is told. For tests only."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

HOST = "127.0.0.1"


class NameServer:
    """Answers by UDP from construction to ``close()``. ``records`` are lines such as
    ``paper.example. TXT "v=spf1 a -all"``.

    ``mute`` lets it hear and say nothing. A name without any record does not exist.
    """

    def __init__(self, *records: str) -> None:
        self.mute = False
        self._records: dict[tuple[str, str], list[str]] = {}
        for record in records:
            name, kind, value = record.split(" ", 2)
            self._records.setdefault((name.lower(), kind), []).append(value)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def resolver(self) -> dns.resolver.Resolver:
        """A resolver that asks this server alone."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [HOST], self.port
        return resolver

    def close(self) -> None:
        """Harmless to repeat."""
        self._socket.close()

    def __enter__(self) -> NameServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            try:
                data, client = self._socket.recvfrom(4096)
                if not self.mute:
                    self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), client)
            except OSError:
                return

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        values = self._records.get((name, kind), [])
        if values:
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, values))
        elif not any(known == name for known, _ in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
