"""What other rooms may ask of the wire: each function is told in the module it comes from."""

from __future__ import annotations

from handbill.wire.fetch import fetch_due

__all__ = ["fetch_due"]
