"""Damage feeds at random for some seconds, and see that reading them stays safe: ``make fuzz``, or with the seconds.

Starts from the golden feeds, and from the corpus where it stands beside the project. A failure prints the seed and
keeps the document in the working folder. No test of the suite: it has no end.
"""

import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from handbill.wire.dates import read_date
from handbill.wire.errors import FeedError
from handbill.wire.read import read_document
from handbill.wire.records import CleanEntry
from handbill.wire.sanitise import sanitise

ROOT = Path(__file__).parent.parent
LONGEST = 10.0  # seconds for one document
PIECES = (b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"\x00", b"\xff\xfe", b"&#x80;", b"&amp;amp;", b"\xe2\x80")
HOSTILE = (
    b"<script>x()</script>",
    b'<a href="java\tscript:x()">',
    b"&lt;img src=x onerror=x()&gt;",
    b'<svg onload="x()">',
)
FORBIDDEN = re.compile(
    r"<(script|style|iframe|img|form|input|svg|math|object|embed|link|meta|base)\b"
    r"|<[^<>]*\s(on\w+|style|src)\s*=|<[^<>]*\shref\s*=\s*\"(?!https?:|mailto:)",
    re.IGNORECASE,
)


def seeds() -> list[bytes]:
    """The documents to begin from."""
    files = [*(ROOT / "pure" / "golden" / "feeds").glob("*.xml")]
    files += (ROOT.parent.parent / "shared" / "corpus" / "feeds" / "odd").rglob("*.xml")
    return [file.read_bytes() for file in sorted(files)]


def damaged(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The document with a few faults, and sometimes the tail of another."""
    text = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(text) + 1)
        piece = chance.choice([*PIECES, *HOSTILE, bytes([chance.randrange(256)])])
        text[at : at + chance.choice((0, 0, 1, 5, 40))] = piece
    return bytes(text) + (other[chance.randrange(len(other)) :] if chance.random() < 0.1 else b"")


def check(data: bytes) -> None:
    """Nothing but FeedError, plain fields, safe bodies that stay as they are, in bounded time."""
    began = time.monotonic()
    try:
        reading = read_document(data, address="https://outlet.example/feed.xml")
    except FeedError:
        return
    assert time.monotonic() - began < LONGEST, "it takes too long"
    for entry in reading.entries:
        for text in lines(entry):
            assert not re.search(r"[\x00-\x1f\x7f]|<\s*(script|iframe|img|svg)\b", text, re.IGNORECASE), text
        for markup in (entry.summary_html, entry.content_html):
            assert not FORBIDDEN.search(markup), markup
            assert sanitise(markup, entry.address) == markup, markup
        read_date(entry.title)


def lines(entry: CleanEntry) -> Iterator[str]:
    """All that must be plain text on one line."""
    yield from (entry.title, entry.licence, *entry.authors, *entry.categories)


def main(seconds: float) -> None:
    """Begins from a seed that is told, so that a failure can be had again."""
    seed = time.time_ns()
    chance, known, ends, count = random.Random(seed), seeds(), time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        data = damaged(chance.choice(known), chance.choice(known), chance)
        try:
            check(data)
        except BaseException:
            Path("fuzz-failure.xml").write_bytes(data)
            print(f"Seed {seed}, document {count}: kept as fuzz-failure.xml")
            raise
        count += 1
    print(f"{count} documents, nothing found (seed {seed})")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
