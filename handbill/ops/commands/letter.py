"""The letter's design: check the newsroom's own, or take the shipped one to start from."""

from __future__ import annotations

import click

from handbill.ops.cli import command
from handbill.ops.output import FAILED, OK, emit


@command()
@click.option(
    "--copy", is_flag=True, help="First write the shipped files that are missing into the newsroom's letter/."
)
def design(copy: bool, as_json: bool) -> int:
    """Check the newsroom's own design of the letter: what broke, in which file and line, and what to do."""
    from django.conf import settings

    from handbill.digest.design import FILES, FOLDER, SHIPPED
    from handbill.digest.design_check import check_design

    folder = settings.HANDBILL.home / FOLDER
    written = [name for name in FILES if copy and not (folder / name).exists()]
    for name in written:
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    troubles = check_design(folder)[1] if folder.is_dir() else []
    data = {
        "folder": str(folder),
        "written": written,
        "troubles": [{"file": one.file, "line": one.line, "what": one.what} for one in troubles],
    }
    emit(data, _told(str(folder), written, [str(one) for one in troubles], folder.is_dir()), as_json)
    return FAILED if troubles else OK


def _told(folder: str, written: list[str], troubles: list[str], own: bool) -> str:
    lines = [f"Written: {folder}/{name}" for name in written] + troubles
    if troubles:
        return "\n".join([*lines, "Till this is mended, letters have the shipped design."])
    sound = f"{folder} is sound: letters have this design."
    return "\n".join([*lines, sound if own else "Letters have the shipped design. Start your own with --copy."])
