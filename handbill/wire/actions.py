"""What other rooms may ask of the wire: each function is told in the module it comes from."""

from __future__ import annotations

from handbill.wire.bell import ring_fetch
from handbill.wire.clip import MAX_CLIP, keep_clip, read_clip, source_of
from handbill.wire.fetch import fetch_due
from handbill.wire.full_text import read_pages
from handbill.wire.inbox import (
    NEWSLETTERS,
    assign_mail,
    discard_mail,
    file_assigned_mails,
    knows_recipient,
    restore_mail,
    take_in_mails,
)
from handbill.wire.look import look_at, pick_links
from handbill.wire.mail import matcher_of
from handbill.wire.push import keep_pushes
from handbill.wire.withdraw import ask_pages

__all__ = [
    "MAX_CLIP",
    "NEWSLETTERS",
    "ask_pages",
    "assign_mail",
    "discard_mail",
    "fetch_due",
    "file_assigned_mails",
    "keep_clip",
    "keep_pushes",
    "knows_recipient",
    "look_at",
    "matcher_of",
    "pick_links",
    "read_clip",
    "read_pages",
    "restore_mail",
    "ring_fetch",
    "source_of",
    "take_in_mails",
]
