"""What the site tells its callers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Built:
    """One build: files written, removed and found to be the same; ``pages`` stand in the site now.

    ``busy``: another worker is building, so this call did nothing. ``failed``: pages that couldn't be made.
    """

    written: int = 0
    removed: int = 0
    unchanged: int = 0
    pages: int = 0
    busy: bool = False
    failed: int = 0

    def plus(self, other: Built) -> Built:
        """Two rounds together; ``pages`` and ``busy`` are the later one's."""
        return Built(
            self.written + other.written,
            self.removed + other.removed,
            self.unchanged + other.unchanged,
            other.pages,
            other.busy,
            self.failed + other.failed,
        )
