"""Bring a newsroom's folder up to date before its programs start: database, the desk's static files."""

from __future__ import annotations

import shutil

import handbill
from handbill.ops.schema import prepare_database
from handbill.ops.setup import FOLDERS


def prepare_run() -> None:
    """Make what is missing, and give back what a killed tree had leased. Call it holding the folder's lock.

    Harmless to repeat; costs a moment when there is nothing to do.
    """
    from django.conf import settings

    from handbill.work.actions import release_all

    newsroom = settings.HANDBILL
    for name in FOLDERS:
        (newsroom.home / name).mkdir(parents=True, exist_ok=True)
    prepare_database()
    if newsroom.embedded:
        release_all()
    collect_static()


def collect_static() -> bool:
    """Copy the desk's styles and scripts to where its web server reads them, once per version of their packages."""
    import wagtail
    from django.conf import settings
    from django.core.management import call_command

    folder = settings.HANDBILL.static_folder
    stamp, wanted = folder / ".version", f"{handbill.__version__} {wagtail.__version__}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(wanted)
    return True
