"""Find an address without storing it, under a key that may be changed (ADR-0056). Pure.

Many hashes are all that is kept of an address, so a change of keys can't begin anew from the address: it hashes the
hash. A hash under the first key is HMAC(first, address), 64 hexadecimal characters; under a later one it is
HMAC(later, the hash under the key before), 61 of them, then ``~`` and the key's number: a value tells its key.
"""

from __future__ import annotations

from handbill.kit.crypto import hash_under
from handbill.kit.keys import Key

_KEPT = 61  # of 64 hexadecimal characters: 244 bits


def find_hash(key: Key, text: str) -> str:
    """The hash of ``text`` under the current key."""
    return _up(key, _first(key, text), key.current)


def every_hash(key: Key, text: str) -> tuple[str, ...]:
    """The hashes of ``text`` under each key that a row may still carry or may carry soon; the current one first."""
    first = _first(key, text)
    return tuple(_up(key, first, number) for number in sorted(key.in_use, key=lambda one: one != key.current))


def lift(key: Key, hashed: str) -> str:
    """The same address's hash under the current key; a hash under a later one stays as it is."""
    return _up(key, hashed, key.current) if hashed else hashed


def every_later(key: Key, hashed: str) -> tuple[str, ...]:
    """The hash itself and the same address's under each later key."""
    return tuple(dict.fromkeys((hashed, *(_up(key, hashed, number) for number in sorted(key.in_use)))))


def ending(number: int) -> str:
    """What hashes under this key end with; those under the first key of all don't."""
    return f"~{number:02x}"


def _first(key: Key, text: str) -> str:
    return hash_under(key.by_id[min(key.by_id)], text)


def _up(key: Key, hashed: str, number: int) -> str:
    if len(key.by_id) == 1:
        return hashed
    at = int(hashed[-2:], 16) if hashed[-3] == "~" else min(key.by_id)
    for step in sorted(key.by_id):
        if at < step <= number:
            hashed = hash_under(key.by_id[step], hashed)[:_KEPT] + ending(step)
    return hashed
