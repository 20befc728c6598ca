"""Make a newsroom's folder: settings with comments, keys, and room for database, media and site."""

from __future__ import annotations

from pathlib import Path

from handbill.kit.errors import GiveUp
from handbill.kit.keys import make_keys
from handbill.kit.settings import FILE_NAME

TEMPLATE = Path(__file__).with_name("handbill.toml")
FOLDERS = ("media", "site", "run", "run/queue/messages", "run/queue/control", "run/queue/processed")


def make_folder(home: Path, settings_text: str | None = None) -> None:
    """Make ``home`` a newsroom's folder, with ``settings_text`` or the commented defaults as its ``handbill.toml``.

    Raises GiveUp when there is one already: nothing in it is touched.
    """
    path = home / FILE_NAME
    if path.exists():
        raise GiveUp(f"{home} holds a newsroom already ({FILE_NAME} is there). Nothing was changed.")
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            (home / name).mkdir(parents=True, exist_ok=True)
        make_keys(home / "keys")
        path.write_text(settings_text if settings_text is not None else TEMPLATE.read_text("utf-8"), "utf-8")
    except OSError as error:
        raise GiveUp(f"{home} can't be made a newsroom: {error.strerror}. Choose a folder you may write to.") from error
