"""The demo's readers: they use the public site over HTTP and read their mail, as anybody would."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from urllib.parse import urlencode, urljoin

import urllib3

from handbill.testing.relay import LoopbackRelay

SECONDS = 20


class ReadersAtTheirDesk:
    """Sign up, press the button in the mail, leave: one method each."""

    def __init__(self, site: str, relay: LoopbackRelay) -> None:
        self.site, self.relay = site, relay
        self.http = urllib3.PoolManager()

    def ask(self, address: str) -> None:
        """Fill in the sign-up box."""
        self._post(f"{self.site}/subscribe/", {"address": address})

    def confirm(self, address: str, topics: tuple[str, ...]) -> None:
        """Open the link of the confirmation mail, press its button, then choose topics."""
        link = re.search(rf"{re.escape(self.site)}/confirm/\S+/", self._text(address))
        if link is None:
            return
        self._get(link[0])
        page = self._post(link[0], {})
        choose = re.search(r'action="([^"]*/preferences/[^"]+/)"', page)
        if topics and choose:
            slugs = [("topics", topic.lower()) for topic in topics]
            self._post(urljoin(link[0], choose[1]), slugs)

    def leave(self, address: str) -> bool:
        """Send what a mail program sends for its unsubscribe button (RFC 8058); whether the site agreed."""
        header = str(self._last(address)["List-Unsubscribe"] or "")
        link = re.search(r"<(http[^>]+)>", header)
        if link is None:
            return False
        self._post(link[1], {"List-Unsubscribe": "One-Click"})
        return True

    def _last(self, address: str) -> EmailMessage:
        taken = self.relay.sent_to(address)
        data = taken[-1].data if taken else b""
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def _text(self, address: str) -> str:
        part = self._last(address).get_body(("plain",))
        return str(part.get_content()) if part else ""

    def _get(self, address: str) -> str:
        return self._read("GET", address)

    def _post(self, address: str, fields: dict[str, str] | list[tuple[str, str]]) -> str:
        return self._read("POST", address, urlencode(fields))

    def _read(self, method: str, address: str, body: str | None = None) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        answer = self.http.request(method, address, body=body, headers=headers, timeout=SECONDS)
        return str(answer.data.decode())
