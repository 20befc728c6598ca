"""How well text stands out from what is behind it, by WCAG 2: 1 (not at all) to 21. Pure."""

from __future__ import annotations


def ratio(one: str, other: str) -> float:
    """The contrast of two colours, each "#" and six hexadecimal digits. Source: WCAG 2.2, relative luminance."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def inverted(colour: str) -> str:
    """What a program that turns a letter dark by itself makes of a colour: the hue stays, light becomes dark."""
    red, green, blue = _channels(colour)
    turned = max(red, green, blue) + min(red, green, blue)
    return "#" + "".join(f"{255 - turned + part:02x}" for part in (red, green, blue))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
