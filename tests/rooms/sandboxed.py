"""What the sandbox's tests run in a child; a module of its own so that the child need not import the tests."""

import sys

from handbill.kit.http import FetchLater


def ask_again() -> None:
    raise FetchLater("Come again tomorrow.", 86_400)


class Unportable(Exception):
    def __init__(self, one: int, other: int) -> None:
        super().__init__("two numbers")


def raise_unportable() -> None:
    raise Unportable(1, 2)


def loaded() -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}


kept: list[bytes] = []


def grow() -> None:
    kept.append(b"x" * (300 << 20))
