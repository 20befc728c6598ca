"""What other rooms may ask of the wire: each function is told in the module it comes from."""

from __future__ import annotations

from handbill.wire.fetch import fetch_due
from handbill.wire.look import look_at, pick_links
from handbill.wire.push import keep_pushes

__all__ = ["fetch_due", "keep_pushes", "look_at", "pick_links"]
