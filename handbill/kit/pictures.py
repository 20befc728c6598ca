"""Pictures as the newsroom shows them: nothing in them but what the eye sees."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image as Picture

_QUALITY: dict[str, dict[str, Any]] = {"JPEG": {"quality": "keep"}, "WEBP": {"quality": 90}}
_SHOWN = ("icc_profile", "transparency")  # what the eye sees of a file's notes


def bare(content: bytes) -> bytes:
    """The picture without EXIF, XMP, comments and thumbnails; its colour profile stays, so that it looks the same.

    Of moving pictures the first is kept. Raises what Pillow likes where ``content`` is none that it can read.
    """
    out = io.BytesIO()
    with Picture.open(io.BytesIO(content)) as picture:
        picture.load()
        kept = {name: picture.info[name] for name in _SHOWN if name in picture.info}
        picture.info.clear()
        how: dict[str, Any] = {"exif": b"", "comment": b"", **kept, **_QUALITY.get(picture.format or "", {})}
        picture.save(out, picture.format, **how)
    return out.getvalue()
