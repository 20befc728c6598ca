"""One measured figure, and the table of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """``value`` in ``unit``; ``ratio`` = value / that of ``against`` where there is a peer; ``target`` in words."""

    name: str
    value: float
    unit: str
    target: str = ""
    holds: bool | None = None
    against: str = ""
    ratio: float | None = None

    def data(self) -> dict[str, object]:
        """The row with the keys every bench writes."""
        return asdict(self)


def at_most(name: str, value: float, unit: str, limit: float) -> Row:
    """A row whose target is an upper limit."""
    return Row(name, round(value, 2), unit, f"≤ {limit:g} {unit}", value <= limit)


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    lines = [("name", "value", "unit", "against", "ratio", "target", "holds")]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        holds = {None: "", True: "yes", False: "NO"}[row.holds]
        lines.append((row.name, f"{row.value:g}", row.unit, row.against, ratio, row.target, holds))
    widths = [max(len(line[column]) for line in lines) for column in range(7)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
