"""Bring lists of readers in, take the list out, and ask again who came without proof of consent."""

from __future__ import annotations

import csv
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import click

from handbill.kit.clock import now
from handbill.kit.errors import GiveUp
from handbill.ops.cli import cli, command
from handbill.ops.commands.imports import bring_in, take_out
from handbill.ops.output import OK, PARTIAL, Stage, Stages, emit

if TYPE_CHECKING:
    from handbill.subscribers.lists_in.records import Brought, Row, Verdict


@cli.group()
def subscribers() -> None:
    """The paper's readers."""


@command(bring_in, name="subscribers")
@click.argument("file")
@click.option("--from", "program", metavar="PROGRAM", help="Whose export it is, where it isn't recognised.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Such as address=E-Mail.")
@click.option("--state", "states", multiple=True, metavar="WORD=STATE", help="What a word of the state column means.")
@click.option("--proof", default="", metavar="WORDS", help="Your word that all of them asked for it: how and where.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of each row.")
@click.option("--report", metavar="FATES.csv", help="Write each row's number, fate and reason there.")
def import_subscribers(
    file: str,
    program: str | None,
    columns: tuple[str, ...],
    states: tuple[str, ...],
    proof: str,
    dry_run: bool,
    report: str | None,
    as_json: bool,
) -> int:
    """Bring in the export of another program, or any table of addresses."""
    from handbill.subscribers.lists_in.actions import bring_in as bring

    wanted = _wanted(program, columns, states, proof)
    with _opened(file) as source, _fates(report) as told, Stages(1).stage("rows read") as stage:
        tell = _teller(source, told, stage)
        done = bring(source, Path(file).name, wanted, _who(), now(), dry=dry_run, tell=tell)
        stage.note(f"{done.rows:,} rows")
    data = {"from": done.kind, "rows": done.rows, "fates": done.fates, "ended": done.ended}
    emit({**data, "dry_run": done.dry, "passed_over": done.passed_over}, _said(done), as_json)
    return PARTIAL if done.fates.get("refused") else OK


@command(take_out, name="subscribers")
@click.option("--format", "kind", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--out", metavar="FILE", help="A new file that only you may read; else stdout.")
def export_subscribers(kind: str, out: str | None, as_json: bool) -> int:
    """Write the whole list: one row a person, the reference says which columns. It is recorded, told and marked."""
    from handbill.subscribers.lists_out import take_out as take

    if out is None:
        take(sys.stdout, kind, _who(), now())
        return OK
    with _private(out) as target:
        export = take(target, kind, _who(), now())
    emit({"rows": export.rows, "file": out}, f"{export.rows:,} people written to {out}", as_json)
    return OK


@command(subscribers, name="ask-again")
@click.option("--a-day", type=click.IntRange(1), default=1000, show_default=True, help="How many a day, of each list.")
@click.option("--dry-run", is_flag=True, help="Only say how many, and how long it takes.")
def ask_again(a_day: int, dry_run: bool, as_json: bool) -> int:
    """Ask those who came with a list and no proof of consent, once each, whether they want the paper."""
    from handbill.subscribers.lists_in.asking import begin_asking

    asking = begin_asking(a_day, now(), dry=dry_run)
    verb = "would be" if dry_run else "are"
    text = f"{asking.held:,} {verb} asked, {a_day:,} a day: {asking.days} days" if asking.held else "Nobody is held."
    emit({"held": asking.held, "days": asking.days, "dry_run": dry_run}, text, as_json)
    return OK


@command(subscribers)
@click.argument("address")
def canary(address: str, as_json: bool) -> int:
    """Say which list that was taken out an address marks: for mail that came to one of them."""
    from handbill.subscribers.lists_out import export_marked

    found = export_marked(address)
    if found is None:
        raise GiveUp("This address marks no list that was taken out here.")
    text = f"It marks the {found.kind} list that {found.by} took out at {found.at:%Y-%m-%d %H:%M} UTC."
    emit({"export": found.pk, "by": found.by, "at": found.at.isoformat(), "kind": found.kind}, text, as_json)
    return OK


def _wanted(program: str | None, columns: Sequence[str], states: Sequence[str], proof: str):
    from handbill.subscribers.lists_in.programs import FIELDS, NAMES
    from handbill.subscribers.lists_in.records import State, Wanted

    if program is not None and program not in NAMES:
        raise click.UsageError(f"--from {program}: write one of {', '.join(NAMES)}.")
    meant = _pairs("--state", states, values=tuple(State))
    return Wanted(
        program=program or "",
        columns=_pairs("--column", columns, names=FIELDS),
        states={word: State(state) for word, state in meant.items()},
        proof=" ".join(proof.split())[:500],
    )


def _pairs(option: str, given: Sequence[str], names: Sequence[str] = (), values: Sequence[str] = ()) -> dict[str, str]:
    found = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value or (names and name not in names) or (values and value not in values):
            choice = f"{'before' if names else 'after'} the = one of {', '.join(names or values)}"
            raise click.UsageError(f"{option} {pair}: write {choice}.")
        found[name] = value
    return found


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        with Path(path).open("rb") as file:
            yield file
    except OSError as error:
        raise GiveUp(f"{path} can't be read: {error.strerror}. Name a file you may read.") from None


@contextmanager
def _private(path: str) -> Iterator[TextIO]:
    """A new file with mode 0600. Raises GiveUp for one that is there, or that can't be written."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise GiveUp(f"{path} can't be written: {error.strerror}. Name a new file in a folder of yours.") from None


@contextmanager
def _fates(path: str | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    Path(path).unlink(missing_ok=True)
    with _private(path) as file:
        csv.writer(file).writerow(("file", "row", "fate", "reason"))
        yield file


def _teller(
    source: BinaryIO, report: TextIO | None, stage: Stage
) -> Callable[[str, Sequence[tuple[Row, Verdict]]], None]:
    size = max(os.fstat(source.fileno()).st_size, 1)

    def tell(table: str, rows: Sequence[tuple[Row, Verdict]]) -> None:
        stage.show(min(source.tell() / size, 1))
        if report is not None:
            fates = ((table, row.number, verdict.fate.value, verdict.reason) for row, verdict in rows)
            csv.writer(report).writerows(fates)

    return tell


def _said(done: Brought) -> str:
    lines = [f"{done.rows:,} rows of {done.kind}" + (", a dry run: nothing was changed" if done.dry else "")]
    lines += [f"  {count:>10,}  {MEANS[fate]}" for fate, count in done.fates.items()]
    if done.ended:
        lines.append(f"  {done.ended:>10,}  of those who left got the paper until now")
    lines += [f"passed over, no column of addresses: {name}" for name in done.passed_over]
    if done.fates.get("held"):
        lines.append(
            "Those held get nothing: `handbill subscribers ask-again` asks them once; --proof is your word for all."
        )
    return "\n".join(lines)


MEANS = {
    "begins": "read the paper from now on",
    "held": "are held: no proof that they consented",
    "known": "were known, and are left as they are",
    "left": "left there, and are kept out",
    "cleaned": "bounced or complained there, and are kept out",
    "kept out": "stay out: they left here, or must not be mailed",
    "repeated": "repeat a row above",
    "refused": "are refused; --report says why",
    "empty": "are empty",
}


def _who() -> str:
    return f"{getpass.getuser()} at the command line"
