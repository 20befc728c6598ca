"""Mailgun's address for whole mails, which anymail doesn't use: it makes mails of parts."""

from __future__ import annotations

from typing import Any

from anymail.backends.mailgun import EmailBackend, MailgunPayload

_KEPT = ("to", "o:", "v:")  # of the form's fields; all else stands in the mail


class RawMailgun(EmailBackend):
    """Sends the bytes of a ``RawLetter``."""

    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        return _RawPayload(message, defaults, self)


class _RawPayload(MailgunPayload):
    def get_api_endpoint(self) -> str:
        return f"{super().get_api_endpoint()}.mime"

    def serialize_data(self) -> Any:
        fields = super().serialize_data()
        self.files = [("message", ("message.mime", self.message.raw, "message/rfc822"))]
        return {name: value for name, value in fields.items() if name.startswith(_KEPT)}

    def set_envelope_sender(self, email: Any) -> None:
        """Its API takes none: bounces come by webhook."""
