"""The letter's design: templates, styles, colours and logo, shipped or the newsroom's own, and turned into HTML.

A design is a folder of six files, and perhaps a logo; one that is missing in the newsroom's is taken from the shipped
ones. A template is not code: it can name what it is shown, ask ``if`` and go through a list, and everything it shows is
escaped. A folder with anything wrong in it is not used at all: the shipped design stands in, and the log and
``handbill doctor`` say why.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias

import css_inline
from django.template import Context, Template

from handbill.digest.design_files import LOGO_FILE, NAMES, DesignTrouble, Trouble, compile_template, read_colours
from handbill.digest.letter_html import CorrectionShown, ItemShown, PageShown
from handbill.digest.logo import Logo, take_logo

log = logging.getLogger(__name__)
Shown: TypeAlias = PageShown | ItemShown | CorrectionShown
SHIPPED = Path(__file__).parent / "letter"
PAGE, ITEM, CORRECTION = PAGES = ("page.html", "item.html", "correction.html")
STYLE, MEDIA, COLOURS = "style.css", "media.css", "design.toml"
FOLDER = "letter"  # in the newsroom's folder
FILES = (*PAGES, STYLE, MEDIA, COLOURS)
MOST_BYTES = 20_000  # of one file: half of what a letter should have
_COLOUR_NAMES = {f"{mode}.{name}" for mode in ("light", "dark") for name in NAMES}
LOGO = ("logo", "logo_width", "logo_height")
MOST_FRAMES = 64  # pages kept: one a day, language, and whether there is more
_ARTICLES = "a"
_HERE = f"x{secrets.token_hex(16)}"  # nobody outside knows it, so no headline can stand in for it


@dataclass(frozen=True, eq=False)
class FileDesign:
    """A design compiled from its files; a ``handbill.digest.letter_html.Design``."""

    page_template: Template
    item_template: Template
    correction_template: Template
    style: str
    media: str
    colours: Mapping[str, Mapping[str, str]]
    logo: Mapping[str, Any]
    own_logo: Logo | None = None  # that lies in the folder; another is an address only
    frames: dict[PageShown, list[str]] = field(default_factory=dict)

    def page(self, shown: PageShown) -> tuple[list[str], list[str]]:
        """What stands before and after the articles, in pieces, with the dark colours in its head.

        All but what is one letter's own is rendered once for all letters of a day.
        """
        own = (shown.subject, shown.preheader, shown.length, shown.more)
        subject, preheader, length, more = (f"{_HERE}-{place}-" if text else "" for place, text in enumerate(own))
        parts = self._frame(replace(shown, subject=subject, preheader=preheader, length=length, more=more))
        filled = [part if even else _own(part, own) for part, even in zip(parts, cycle((True, False)), strict=False)]
        return filled[: parts.index(_ARTICLES)], filled[parts.index(_ARTICLES) + 1 :]

    def _frame(self, shown: PageShown) -> list[str]:
        """The page cut where a letter's own words go: every second part names whose place it is."""
        if shown not in self.frames:
            if len(self.frames) > MOST_FRAMES:
                self.frames.clear()
            address = shown.address.rstrip("/") + self.logo["address"] if self.logo else ""
            size = {f"logo_{side}": str(self.logo.get(side, "")) for side in ("width", "height")}
            values = {**_values(shown), "articles": f"{_HERE}-{_ARTICLES}-", "logo": address, **size}
            page = _inliner(self.style).inline(_render(self.page_template, values))
            page = page.replace("</head>", f"<style>{self.media}</style>\n</head>", 1)
            self.frames[shown] = re.split(f"{_HERE}-([0-9a]+)-", page)
        return self.frames[shown]

    def items(self, shown: Sequence[ItemShown]) -> list[str]:
        """Articles one by one, styles inlined."""
        return self._pieces(self.item_template, shown)

    def corrections(self, shown: Sequence[CorrectionShown]) -> list[str]:
        """Corrections one by one, styles inlined."""
        return self._pieces(self.correction_template, shown)

    def _pieces(self, template: Template, shown: Sequence[ItemShown | CorrectionShown]) -> list[str]:
        """All at once, for reading the styles is most of the work."""
        pieces = _HERE.join(_render(template, _values(one)) for one in shown)
        return _inliner(self.style).inline_fragment(pieces, "").split(_HERE) if shown else []


def _own(part: str, own: Sequence[str]) -> str:
    return "" if part == _ARTICLES else escape(own[int(part)])


@lru_cache(maxsize=1)
def shipped() -> FileDesign:
    """The design that Handbill comes with."""
    return compile_design({name: (SHIPPED / name).read_text("utf-8") for name in FILES})


def current(home: Path) -> FileDesign:
    """The newsroom's own design where it is sound, else the shipped one. Read anew when a file changes."""
    folder = home / FOLDER
    return _checked(folder, _stamp(folder))


@lru_cache(maxsize=4)
def _checked(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> FileDesign:
    from handbill.digest.design_check import check_design

    if not stamp:
        return shipped()
    design, troubles = check_design(folder)
    for trouble in troubles:
        log.warning("The letter's own design is not used: %s", trouble)
    return design


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file of the folder does; empty where it holds none."""
    found = []
    for name in (*FILES, *_pictures(folder)):
        try:
            told = (folder / name).stat()
        except OSError:
            continue
        found.append((name, told.st_mtime_ns, told.st_size))
    return tuple(found)


def _pictures(folder: Path) -> list[str]:
    """What may be a logo."""
    try:
        return sorted(name for name in os.listdir(folder) if LOGO_FILE.fullmatch(name))  # noqa: PTH208
    except OSError:
        return []


def read_files(folder: Path) -> tuple[dict[str, str], list[Trouble]]:
    """The six files, those of ``folder`` first, and what can't be read of them."""
    found, troubles = {}, []
    for name in FILES:
        path = folder / name
        try:
            found[name] = (path if path.is_file() else SHIPPED / name).read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            troubles.append(Trouble(name, 0, f"It can't be read ({error}). Write it as UTF-8 text that you may read."))
            continue
        if len(found[name].encode()) > MOST_BYTES:
            troubles.append(Trouble(name, 0, f"It is too long: more than {MOST_BYTES} bytes. Write it shorter."))
    return found, troubles


def compile_design(files: Mapping[str, str]) -> FileDesign:
    """The design of these six files, but for a logo that lies beside them (``with_logo``).

    Raises DesignTrouble at the first that is of no use.
    """
    colours, logo = read_colours(COLOURS, files[COLOURS])
    page_names = {*_names(PageShown), *LOGO, "articles"}
    page, item = (
        compile_template(PAGE, files[PAGE], page_names),
        compile_template(ITEM, files[ITEM], set(_names(ItemShown))),
    )
    correction = compile_template(CORRECTION, files[CORRECTION], set(_names(CorrectionShown)))
    style, media = (
        _render(compile_template(name, files[name], _COLOUR_NAMES), dict(colours)) for name in (STYLE, MEDIA)
    )
    if files[PAGE].count("{{ articles }}") != 1:
        raise DesignTrouble(Trouble(PAGE, 0, "Write {{ articles }} once, where the articles go."))
    if "</style" in media.lower():
        raise DesignTrouble(Trouble(MEDIA, 0, "A style sheet can't hold </style. Take it out."))
    return FileDesign(page, item, correction, style, _squeezed(media), colours, logo)


def with_logo(design: FileDesign, folder: Path) -> FileDesign:
    """The design with the logo that lies in its folder, if it names one. Raises DesignTrouble."""
    if "file" not in design.logo:
        return design
    own, shown = take_logo(folder, design.logo)
    return replace(design, logo=shown, own_logo=own)


@lru_cache(maxsize=8)
def _inliner(style: str) -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, minify_css=True, extra_css=style)


def _render(template: Template, values: dict[str, Any]) -> str:
    return str(template.render(Context(values, autoescape=True, use_l10n=False, use_tz=False)))


def _values(shown: Shown) -> dict[str, Any]:
    return {name: getattr(shown, name) for name in _names(type(shown))}


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def _squeezed(css: str) -> str:
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)).strip()
