"""Bring in what a newsroom has already, its sources and its archive, and take its sources out again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handbill.kit.clock import now
from handbill.kit.errors import GiveUp
from handbill.ops.cli import cli, command
from handbill.ops.output import OK, PARTIAL, emit

if TYPE_CHECKING:
    from handbill.articles.records import Imported

MOST_BYTES = 512 * 1024 * 1024


@cli.group(name="import")
def bring_in() -> None:
    """Bring in sources (OPML) or an archive (plain text, WordPress)."""


def read_file(path: str) -> bytes:
    """The whole file. Raises GiveUp when it can't be read or is larger than MOST_BYTES."""
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise GiveUp(f"{path} is larger than 512 MiB. Split it and import the parts.")
        return Path(path).read_bytes()
    except OSError as error:
        raise GiveUp(f"{path} can't be read: {error.strerror}. Name a file you may read.") from None


@command(bring_in)
@click.argument("file")
def opml(file: str, as_json: bool) -> int:
    """Add the sources and feeds of an OPML file."""
    from handbill.sources.actions import import_opml

    result = import_opml(read_file(file), now())
    data = {"added": result.added, "known": result.known, "refused": list(result.refused)}
    emit(data, _with_refusals(f"{result.added} feeds added, {result.known} known already", result.refused), as_json)
    return PARTIAL if result.refused else OK


@command(bring_in)
@click.argument("file")
@click.option("--topic", metavar="NAME", help="File every article under this topic (made if there is none).")
def archive(file: str, topic: str | None, as_json: bool) -> int:
    """Take an archive page as plain text: headline line and excerpt paragraph in turn. Never mailed."""
    from handbill.articles.actions import import_archive

    data = read_file(file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GiveUp(f"{file} is not UTF-8 text. Save it as UTF-8 plain text and import it again.") from None
    return _report(import_archive(text, now(), topic_name=topic), as_json)


@command(bring_in)
@click.argument("file")
def wordpress(file: str, as_json: bool) -> int:
    """Take the published posts of a WordPress export (WXR). Never mailed."""
    from handbill.articles.actions import import_wordpress

    return _report(import_wordpress(read_file(file), now()), as_json)


def _report(result: Imported, as_json: bool) -> int:
    data = {"articles": result.articles, "topics": result.topics, "refused": list(result.refused)}
    emit(data, _with_refusals(f"{result.articles} articles imported", result.refused), as_json)
    return PARTIAL if result.refused else OK


def _with_refusals(text: str, refused: Iterable[str]) -> str:
    return "\n".join([text, *(f"not taken: {reason}" for reason in refused)])


@cli.group(name="export")
def take_out() -> None:
    """Take out what another program can read."""


@command(take_out, name="opml")
@click.argument("file", required=False)
def opml_out(file: str | None, as_json: bool) -> int:
    """Write the feeds as an OPML list, to FILE or to stdout. Newsletters and pages without a feed are left out."""
    from handbill.sources.queries import opml as written

    data = written()
    feeds = data.count(b"<outline ")
    if file is None:
        emit({"feeds": feeds, "opml": data.decode()}, data.decode().rstrip("\n"), as_json)
        return OK
    try:
        Path(file).write_bytes(data)
    except OSError as error:
        raise GiveUp(f"{file} can't be written: {error.strerror}. Name a file that you may write.") from None
    emit({"feeds": feeds, "file": file}, f"{feeds} feeds written to {file}", as_json)
    return OK


@command(take_out)
def rulings(as_json: bool) -> int:
    """Write what editors ruled of stories to stdout, one JSON object a line, the oldest first: to learn from."""
    from handbill.stories.queries import rulings as kept

    for ruling in kept():
        click.echo(json.dumps(ruling, ensure_ascii=False))
    return OK
