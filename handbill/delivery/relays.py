"""A relay's password: ``HANDBILL_RELAY_PASSWORD_NAME`` or the file ``keys/relay-NAME``; no setting, no table."""

from __future__ import annotations

import os

from django.conf import settings

from handbill.delivery.engine.session import RelayTrouble
from handbill.kit.settings import Relay


def password_of(relay: Relay) -> str:
    """The password, empty for a relay without a user. Raises RelayTrouble when it is nowhere to be read."""
    if not relay.user:
        return ""
    given = os.environ.get(f"HANDBILL_RELAY_PASSWORD_{relay.name.upper().replace('-', '_')}")
    if given is not None:
        return given
    path = settings.HANDBILL.keys_folder / f"relay-{relay.name}"
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RelayTrouble(f"Relay {relay.name} has a user but no password. Write it into {path}.") from None
