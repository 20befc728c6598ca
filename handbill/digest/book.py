"""Bind an issue as EPUB 3: a zip of a few documents, in the order and form that OCF 3.3 asks for. Pure.

The same documents make the same bytes: no hour of the binding is in them, and no trace of the machine.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

KIND = "application/epub+zip"
FOLDER = "EPUB"
PACKAGE = "package.opf"
_CONTAINER = f"""<?xml version="1.0" encoding="utf-8"?>
<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="{FOLDER}/{PACKAGE}" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_UNIX = 3
_MODE = 0o100644 << 16


def bind(documents: Mapping[str, str]) -> bytes:
    """The book of ``documents`` (name, text), of which ``package.opf`` names the others.

    ``mimetype`` comes first and is not compressed, so that the kind of file can be read at its beginning (OCF 4.2).
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr(_entry("mimetype", zipfile.ZIP_STORED), KIND)
        book.writestr(_entry("META-INF/container.xml"), _CONTAINER)
        for name, text in documents.items():
            book.writestr(_entry(f"{FOLDER}/{name}"), text.encode())
    return out.getvalue()


def _entry(name: str, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type, entry.create_system, entry.external_attr = compression, _UNIX, _MODE
    return entry
