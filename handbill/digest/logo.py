"""The logo that lies in a design's folder: read, checked, made bare, and named after what is in it.

What is wrong raises DesignTrouble with what to do. Only ``read_logo`` touches the disk.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from handbill.digest.design_files import HIGHEST, LOGO_FILE, WIDEST, DesignTrouble, Trouble
from handbill.kit.pictures import bare

MOST_BYTES = 200_000  # of the file
MOST_SIDE = 2000  # pixels: seven for each that a letter shows, and 16 MB while it is read
_KINDS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif"}
_TURNED = 0x0112  # EXIF's orientation: the note that a picture lies on its side
_LINK = (errno.ELOOP, errno.EMLINK)  # what O_NOFOLLOW says of a link: Linux, FreeBSD


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture as it is published; ``name`` follows from its bytes, so that another logo has another address."""

    name: str
    content: bytes

    @property
    def path(self) -> str:
        """Where it stands on the public site."""
        return f"/images/{self.name}"


def take_logo(folder: Path, wanted: Mapping[str, Any]) -> tuple[Logo, dict[str, Any]]:
    """The logo that ``design.toml`` names, and what a letter is told of it: address, width, height in pixels."""
    name = wanted["file"]
    logo, size = check_logo(name, read_logo(folder, name))
    width, height = shown_size(size, wanted.get("width"), wanted.get("height"))
    return logo, {"address": logo.path, "width": width, "height": height}


def read_logo(folder: Path, name: str) -> bytes:
    """The bytes of the file; no link is followed, and what is no file is not waited for."""
    if not LOGO_FILE.fullmatch(name):
        raise ValueError("not the name of a picture")
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _trouble(name, "It isn't in this folder. Put it here, or mend the logo's file in design.toml.") from None
    except OSError as error:
        what = "It is a link" if error.errno in _LINK else f"It can't be read ({error.strerror})"
        raise _trouble(name, f"{what}. Put the picture itself here, as a file that you may read.") from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _trouble(name, "It is no file. Put the picture itself here.")
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(MOST_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > MOST_BYTES:
        raise _trouble(name, f"It is larger than {MOST_BYTES // 1000} KB. Save it smaller.")
    return content


def check_logo(name: str, content: bytes) -> tuple[Logo, tuple[int, int]]:
    """The logo of these bytes of the file ``name``, and its width and height."""
    try:
        with Picture.open(io.BytesIO(content), formats=tuple(_KINDS)) as picture:
            kind, size = picture.format or "", picture.size
    except Exception:  # Pillow raises what it likes
        raise _trouble(name, "It is no PNG, JPEG or GIF. Save the picture as one.") from None
    if kind not in _KINDS:  # a camera's JPEG that holds several
        raise _trouble(name, f"It is a picture of the kind {kind}. Save it as a PNG, JPEG or GIF.")
    if max(size) > MOST_SIDE:
        what = f"It is {size[0]} × {size[1]} pixels. Save it with at most {MOST_SIDE} on each side."
        raise _trouble(name, what)
    try:  # only now is more read of it than its head
        with Picture.open(io.BytesIO(content), formats=tuple(_KINDS)) as picture:
            turned = picture.getexif().get(_TURNED, 1)
        clean = bare(content)
    except Exception:  # as above
        raise _trouble(name, "It is broken: a part is missing or damaged. Save the picture anew.") from None
    if turned != 1:
        raise _trouble(name, "It lies on its side, with a note to turn it. Open it, turn it, and save it anew.")
    return Logo(f"logo-{hashlib.sha256(clean).hexdigest()[:20]}{_KINDS[kind]}", clean), size


def shown_size(size: tuple[int, int], width: int | None, height: int | None) -> tuple[int, int]:
    """How large a letter shows a picture of ``size``: as asked for; the side that isn't follows from the other.

    Never wider than a phone's column or higher than a head may be, and never without a pixel.
    """
    if width and height:
        return width, height
    wide, high = size
    scale = width / wide if width else height / high if height else 1.0
    scale = min(scale, WIDEST / wide, HIGHEST / high)
    return max(1, round(wide * scale)), max(1, round(high * scale))


def _trouble(name: str, what: str) -> DesignTrouble:
    return DesignTrouble(Trouble(name, 0, what))
