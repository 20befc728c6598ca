"""Return paths that say whose copy came back, and that nobody else can make or read. Pure: the key is an argument.

``bounces+CODE@paper.example``: the code is 26 letters and digits for the delivery's number, hidden by the newsroom's
key (``kit.crypto``). Mail systems change the case of a local part and hold 64 characters at most (RFC 5321 4.5.3.1.1).
"""

from __future__ import annotations

import re
from base64 import b32decode

from handbill.kit.crypto import find_number, hide_number
from handbill.kit.errors import GiveUp
from handbill.kit.keys import Key

PURPOSE = "return path"
LOCAL_LIMIT = 64
CODE_LENGTH = 26
PREFIX_LIMIT = LOCAL_LIMIT - CODE_LENGTH  # with its separator
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 6
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
_LAST = [_PAIRS[byte << 2] for byte in range(256)]  # two zeros fill up the last letter
_SHIFTS = range(118, 0, -10)
_CODE = re.compile(r"[-+=]([a-z2-7]{26})\Z", re.IGNORECASE)


def return_path(key: Key, number: int, prefix: str, domain: str) -> str:
    """The envelope's sender for the delivery of that number (0 to 2**64 - 1); ``prefix`` ends with -, + or =.

    Raises GiveUp: the prefix is longer than PREFIX_LIMIT.
    """
    hidden = int.from_bytes(hide_number(key, PURPOSE, number), "big")
    code = "".join([_PAIRS[hidden >> shift & 1023] for shift in _SHIFTS]) + _LAST[hidden & 255]
    if len(prefix) > PREFIX_LIMIT:
        raise GiveUp(f"The return path's prefix {prefix} is too long. Take one of at most {PREFIX_LIMIT} characters.")
    return f"{prefix}{code}@{domain}"


def number_in(key: Key, address: str) -> int | None:
    """The delivery's number in a return path of ours, in any case, or None where we did not make it."""
    local, _, _ = address.strip().strip("<>").rpartition("@")
    match = _CODE.search(local)
    if not match:
        return None
    return find_number(key, PURPOSE, b32decode(match[1].upper() + "======"))
