"""Set up a newsroom, run it, examine it, and the demo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handbill.kit.settings import find_home
from handbill.ops.cli import command, open_newsroom
from handbill.ops.output import FAILED, OK, Stages, emit
from handbill.ops.setup import make_folder

if TYPE_CHECKING:
    from handbill.ops.doctor import Finding


@command(newsroom=False)
@click.argument("folder", metavar="DIR", required=False)
def init(folder: str | None, home: str | None, as_json: bool) -> None:
    """Make DIR a newsroom: its settings, keys, database and folders."""
    path = find_home(folder or home, os.environ)
    make_folder(path)
    open_newsroom(str(path))
    from handbill.ops.schema import prepare_database

    prepare_database()
    text = (
        f"{path} is a newsroom now.\n"
        "Next: edit handbill.toml there; `handbill user add YOU@EXAMPLE --role admin`;"
        " `handbill import opml FILE`; `handbill run`."
    )
    emit({"home": str(path)}, text, as_json)


@command(newsroom=False)
@click.option("--auto", is_flag=True, help="Take the day's top stories without a person.")
def run(auto: bool, home: str | None, as_json: bool) -> int:
    """Run the newsroom: web servers, workers and the clock, until SIGTERM or Ctrl-C."""
    if auto:
        os.environ["HANDBILL_AUTO"] = "true"
    open_newsroom(home)
    from django.conf import settings

    from handbill.ops.prepare import prepare_run
    from handbill.ops.tree import Tree, only_one, stopped_by_signals

    newsroom = settings.HANDBILL
    with only_one(newsroom):
        prepare_run()
        tree = Tree(newsroom)
        tree.start()
        with stopped_by_signals(tree):
            tree.wait_until_up()
            addresses = {"site": newsroom.public_address, "desk": newsroom.desk_address}
            emit(addresses, f"Site: {newsroom.public_address}\nDesk: {newsroom.desk_address}", as_json)
            tree.wait()
    return OK


@command(newsroom=False)
@click.argument("what", type=click.Choice(["mail", "privacy"]), required=False)
def doctor(what: str | None, home: str | None, as_json: bool) -> int:
    """Examine the newsroom: what is wrong, and the fix. `mail`: what lets mail arrive; `privacy`: what is kept."""
    open_newsroom(home)
    findings = {None: _examined, "mail": _examined_mail, "privacy": _examined_privacy}[what]()
    data = {"findings": [{"level": f.level, "what": f.what, "fix": f.fix} for f in findings]}
    emit(data, "\n".join(f.line() for f in findings), as_json)
    return FAILED if any(f.level == "wrong" for f in findings) else OK


@command()
@click.argument("selector")
@click.option("--kind", type=click.Choice(["rsa", "ed25519"]), default="rsa", show_default=True, help="Of a new key.")
def dkim(selector: str, kind: str, as_json: bool) -> None:
    """Make the key SELECTOR that letters are signed with, and print its record. A key that is there stays."""
    from django.conf import settings

    from handbill.delivery.signing import key_path, make_key, read_signer, record_name, record_text, zone_line
    from handbill.kit.mail_settings import parse_dkim

    newsroom = settings.HANDBILL
    (one,) = [known for known in newsroom.dkim if known.selector == selector] or parse_dkim([{"selector": selector}])
    made = make_key(newsroom, selector, kind)
    signer = read_signer(newsroom, one)
    text = (
        f"{'Made' if made else 'There is'} {key_path(newsroom, selector)} ({signer.algorithm}).\n"
        f"Publish: {zone_line(signer)}\n"
        f'Then write into handbill.toml: dkim = [{{ selector = "{selector}" }}]\n'
        "and start the newsroom anew. `handbill doctor mail` says whether the record is there."
    )
    emit({"name": record_name(signer), "txt": record_text(signer), "made": made}, text, as_json)


@command(newsroom=False)
@click.option("--once", is_flag=True, help="Run the day in a fresh temporary folder and end.")
def demo(once: bool, home: str | None, as_json: bool) -> int:
    """A sample newsroom's whole day on this machine: eight outlets in, site and digest out."""
    from handbill.ops.demo.day import STAGES, run_once, run_serving

    stages = Stages(len(STAGES))
    if once:
        result = run_once(stages, Path(home) if home else None)
        emit(result.counts(), result.text(), as_json)
        return OK if result.held else FAILED
    return run_serving(stages, Path(home) if home else None, as_json)


def _examined() -> list[Finding]:
    from handbill.ops.doctor import examine

    return examine()


def _examined_privacy() -> list[Finding]:
    from handbill.kit.clock import now
    from handbill.ops.doctor_privacy import examine_privacy

    return list(examine_privacy(now()))


def _examined_mail() -> list[Finding]:
    from django.conf import settings

    from handbill.delivery.queries import sample_copy
    from handbill.ops.doctor import WRONG, Finding
    from handbill.ops.doctor_mail import examine_mail
    from handbill.ops.names import Names, NoNames

    try:
        return examine_mail(settings.HANDBILL, Names(), sample_copy())
    except NoNames as error:
        return [Finding(WRONG, str(error), "Write its name servers into /etc/resolv.conf.")]
