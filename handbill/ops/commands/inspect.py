"""Look inside what comes from outside, with no newsroom and no database: one JSON object a line, in order."""

from __future__ import annotations

import gzip
import io
import ipaddress
import json
import os
import socket
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import click

import handbill
from handbill.kit.errors import GiveUp, HandbillError
from handbill.kit.sandbox import Sandbox
from handbill.ops.cli import cli, command
from handbill.ops.output import FAILED, OK, PARTIAL
from handbill.wire.inspect import MAX_BYTES, inflate, inspect_difference, inspect_feed, inspect_page, prose

GZIP = b"\x1f\x8b"
MAX_HEADLINE = 1024 * 1024  # bytes
MAX_REPLY = 64 * 1024
MOST_FOLLOWED = 100  # links of a letter
AHEAD = 16  # documents read before the one whose line is next
BUG = "Something in Handbill itself failed on this ({kind}). Report it, with the file if you may."

sandbox = Sandbox()


@cli.group(name="inspect")
def look_inside() -> None:
    """Look inside feeds, pages, addresses, stories, bounces and letters: one JSON object a line. Needs no newsroom."""


@command(look_inside, newsroom=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE_OR_URL…")
def feed(files: tuple[str, ...], as_json: bool, home: str | None) -> int:
    """What feeds hold: title and entries, sanitised. "-" is the standard input."""
    return _tell((_named(name), partial(_feed, name)) for name in files)


@command(look_inside, newsroom=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE_OR_URL…")
@click.option("--url", metavar="URL", default="", help="The page's own address: its links start there.")
def page(files: tuple[str, ...], url: str, as_json: bool, home: str | None) -> int:
    """The articles on web pages: title, byline, date, language, text. "-" is the standard input."""
    return _tell((_named(name), partial(_page, name, url)) for name in files)


@command(look_inside, newsroom=False)
@click.argument("addresses", nargs=-1, required=True, metavar="HOST_OR_IP…")
def address(addresses: tuple[str, ...], as_json: bool, home: str | None) -> int:
    """Whether addresses would be fetched from, and why not: hosts, IP addresses in any spelling, URLs."""
    return _tell(({"address": text}, partial(_verdict, text)) for text in addresses)


@command(look_inside, newsroom=False)
@click.argument("files", nargs=-1, required=True, metavar="OLD NEW…")
def diff(files: tuple[str, ...], as_json: bool, home: str | None) -> int:
    """What changed from one text or page to another, in pairs."""
    if len(files) % 2:
        raise click.UsageError("Name the old and the new file, in pairs.")
    pairs = zip(files[::2], files[1::2], strict=True)
    return _tell(({**_named(new), "old": _named(old)["file"]}, partial(_difference, old, new)) for old, new in pairs)


@command(look_inside, newsroom=False)
@click.argument("file", metavar="FILE.jsonl")
def stories(file: str, as_json: bool, home: str | None) -> int:
    """The story of each report, and whether it is a copy: lines with id, title, text, published, url, outlet."""
    return _print(_guarded(_named(file), partial(_stories, file)))


@command(look_inside, newsroom=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE_OR_URL…")
def excerpt(files: tuple[str, ...], as_json: bool, home: str | None) -> int:
    """The first sentences of texts or pages, about 100 words. "-" is the standard input."""
    return _tell((_named(name), partial(_excerpt, name)) for name in files)


@command(look_inside, newsroom=False)
def series(as_json: bool, home: str | None) -> int:
    """The series and number of each headline, a line each on the standard input."""
    return _print(_guarded(_named("-"), _series))


@command(look_inside, newsroom=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def bounce(files: tuple[str, ...], as_json: bool, home: str | None) -> int:
    """What bounces, complaints and auto-replies tell of readers, message by message. "-" is the standard input."""
    jobs = ((_named(name), partial(_bounces, name)) for name in files)
    with ThreadPoolExecutor(AHEAD) as pool:
        return _print({**name, **row} for name, told in _in_order(pool, jobs) for row in told.get("messages", [told]))


@command(look_inside, newsroom=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--follow", is_flag=True, help="Ask where the links lead, and say which fail.")
def letter(files: tuple[str, ...], follow: bool, as_json: bool, home: str | None) -> int:
    """What mail programs make of letters (mails or HTML): what doesn't show, is too large, leads astray, can't be read.

    Exit code 1 where a letter has problems.
    """
    rows = [{**_named(name), **_safely(partial(_letter, name, follow))} for name in files]
    code = _print(rows) if as_json else OK
    if not as_json:
        click.echo("\n".join(_letter_told(row) for row in rows))
        code = PARTIAL if any("error" in row for row in rows) else OK
    return code or (FAILED if any(row["problems"] for row in rows) else OK)


@command(look_inside, newsroom=False)
def reply(as_json: bool, home: str | None) -> int:
    """What SMTP replies mean and ask for, a line each on the standard input: "rcpt 550 5.1.1 User unknown"."""
    return _print(_guarded(_named("-"), _replies))


def _tell(jobs: Iterable[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]) -> int:
    """Print what each job finds after its name, in order, each as soon as it is its turn; the exit code."""
    with ThreadPoolExecutor(AHEAD) as pool:
        return _print({**name, **found} for name, found in _in_order(pool, jobs))


def _print(rows: Iterable[dict[str, Any]]) -> int:
    """Print each row at once; the exit code."""
    code = OK
    for row in rows:
        code = PARTIAL if "error" in row else code
        try:
            _write(row)
        except BrokenPipeError:
            raise  # whoever read has enough: click ends quietly
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again as it ends
            raise GiveUp(f"The output can't be written: {error.strerror}. Make room, or write elsewhere.") from None
    return code


def _write(row: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    except UnicodeEncodeError:  # half a pair of an id, or a terminal that knows few letters
        sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _guarded(name: dict[str, Any], rows: Callable[[], Iterator[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """The rows; what ends them early is told in a last one."""
    try:
        yield from rows()
    except Exception as error:
        yield {**name, "error": _sentence(error)}


def _in_order(
    pool: ThreadPoolExecutor, jobs: Iterable[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    waiting: deque[tuple[dict[str, Any], Future[dict[str, Any]]]] = deque()
    for name, job in jobs:
        waiting.append((name, pool.submit(_safely, job)))
        if len(waiting) > AHEAD:
            first, future = waiting.popleft()
            yield first, future.result()
    for first, future in waiting:
        yield first, future.result()


def _safely(job: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return job()
    except Exception as error:
        return {"error": _sentence(error)}


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, HandbillError) else BUG.format(kind=type(error).__name__)


def _feed(name: str) -> dict[str, Any]:
    data, address, content_type = _load(name)
    return sandbox.run(inspect_feed, data, address=address, content_type=content_type)


def _page(name: str, url: str) -> dict[str, Any]:
    data, address, _ = _load(name)
    return sandbox.run(inspect_page, data, address=url or address)


def _difference(old: str, new: str) -> dict[str, Any]:
    return sandbox.run(inspect_difference, _load(old)[0], _load(new)[0])


def _stories(name: str) -> Iterator[dict[str, Any]]:
    from handbill.stories.inspect import MAX_LINE, inspect_stories
    from handbill.wire.dates import read_date
    from handbill.wire.language import language_of

    return inspect_stories(_lines(name, MAX_LINE), read_date, language_of)


def _series() -> Iterator[dict[str, Any]]:
    from handbill.stories.inspect import inspect_series

    lines = _lines("-", MAX_HEADLINE)
    return inspect_series(line[:MAX_HEADLINE].decode("utf-8", "replace").rstrip("\r\n") for line in lines)


def _bounces(name: str) -> dict[str, Any]:
    from handbill.delivery.engine.inspect import inspect_bounce

    if _is_web(name):
        raise GiveUp("A bounce is a file, not an address. Save the mail and name its file.")
    return {"messages": sandbox.run(inspect_bounce, sandbox.run(inflate, _load(name)[0]))}


def _letter(name: str, follow: bool) -> dict[str, Any]:
    from handbill.digest.lint.read import inspect_letter

    if _is_web(name):
        raise GiveUp("A letter is a file, not an address. Save the mail or the page and name its file.")
    found = sandbox.run(inspect_letter, _load(name)[0])
    links = found.pop("links")
    failing = _failing(links[:MOST_FOLLOWED]) if follow else []
    found["findings"] += [{"level": "problem", "what": "fails", "line": 0, "told": told} for told in failing]
    found["problems"] += len(failing)
    return found


def _failing(links: list[str]) -> list[str]:
    """What is said of each link that leads nowhere, in order. A reader's own links, which act, are not followed."""
    from handbill.kit.http import fetch

    guard, agent = _guard(), f"Handbill/{handbill.__version__}"

    def why(link: str) -> str:
        try:
            fetch(link, guard=guard, user_agent=agent, max_bytes=MAX_REPLY, truncate=True)
        except HandbillError as error:
            return f"{link[:80]} fails: {error}"
        return ""

    with ThreadPoolExecutor(AHEAD) as pool:
        return [told for told in pool.map(why, links) if told]


def _letter_told(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['file']}: {row['error']}"
    lines = [f"{row['file']}: {row['bytes']} bytes of HTML, problems: {row['problems']} ({row['facts']})"]
    lines += [f"  {one['level']}, line {one['line']}, {one['what']}: {one['told']}" for one in row["findings"]]
    return "\n".join(lines).replace(", line 0,", ",")


def _replies() -> Iterator[dict[str, Any]]:
    from handbill.delivery.engine.inspect import inspect_reply

    for line in _lines("-", MAX_HEADLINE):
        if text := line[:MAX_REPLY].decode("utf-8", "replace").strip():
            yield inspect_reply(text)


def _excerpt(name: str) -> dict[str, Any]:
    from handbill.stories.inspect import inspect_excerpt

    return sandbox.run(inspect_excerpt, sandbox.run(prose, _load(name)[0]))


def _lines(name: str, most: int) -> Iterator[bytes]:
    """The lines of a file, packed with gzip or not; of one longer than ``most`` bytes, its first ``most`` and one more.

    Raises GiveUp.
    """
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            packed = isinstance(file, io.BufferedReader) and file.peek(2).startswith(GZIP)
            source = gzip.GzipFile(fileobj=file) if packed else file
            while line := source.readline(most + 1):
                yield line
                while len(line) > most and not line.endswith(b"\n"):
                    line = source.readline(most + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _unreadable(error) from None


def _is_web(name: str) -> bool:
    return name.lower().startswith(("http://", "https://"))


def _named(name: str) -> dict[str, Any]:
    return {"address" if _is_web(name) else "file": os.fsencode(name).decode("utf-8", "replace")}


def _load(name: str) -> tuple[bytes, str, str]:
    """The bytes, and for a web address where they came from and what they are said to be."""
    if _is_web(name):
        return _fetched(name)
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    return data, "", ""


def _unreadable(error: Exception) -> GiveUp:
    why = getattr(error, "strerror", None) or ("it has no such name" if type(error) is ValueError else "it is broken")
    return GiveUp(f"The file can't be read: {why}. Name a file you may read.")


def _fetched(url: str) -> tuple[bytes, str, str]:
    from handbill.kit.http import fetch

    answer = fetch(url, guard=_guard(), user_agent=f"Handbill/{handbill.__version__}")
    return answer.body, answer.url, answer.headers.get("content-type", "")


def _guard() -> Any:
    """The guard of a newsroom with no exceptions but those of the environment, which are for tests."""
    from handbill.kit.http import Guard
    from handbill.kit.setting_values import parse_host_port

    pairs = os.environ.get("HANDBILL_ALLOW_LOOPBACK", "").split(",")
    return Guard(frozenset(parse_host_port(pair.strip()) for pair in pairs if pair.strip()))


def _verdict(text: str) -> dict[str, Any]:
    """What the guard says; a name is resolved once. An unknown name is not allowed, and an error besides."""
    from handbill.kit.http import system_resolver
    from handbill.kit.urls import read_address

    try:
        _refuse_special(text)
        whole = read_address(text if "://" in text else f"http://{_bracketed(text)}/")
        answers = system_resolver(whole.host, whole.port)
        _guard().check(whole, answers)
    except HandbillError as error:
        return {"allowed": False, "why": str(error)}
    except (OSError, UnicodeError):
        why = "This name has no address at present. Check its spelling."
        return {"allowed": False, "why": why, "error": why}
    return {"allowed": True, "why": f"It leads to {', '.join(answers)}: all of it is public."}


def _bracketed(text: str) -> str:
    return f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text


def _refuse_special(text: str) -> None:
    """Say which range an IP address lies in, whatever way it is written."""
    from handbill.kit.urls import why_not_public

    bare = text.removeprefix("[").removesuffix("]")
    try:
        plain = str(ipaddress.ip_address(bare))
        if why := why_not_public(plain):
            raise GiveUp(f"{plain} is not public: {why}.")
    except ValueError:
        hidden = _hidden_number(bare)
        if hidden:
            why = why_not_public(hidden) or "it is public, but only what hides is written like this"
            raise GiveUp(f"This is {hidden} in another spelling: {why}. Only the plain one is followed.") from None


def _hidden_number(text: str) -> str:
    """The IPv4 address that the C library takes ``text`` for: 127.1, 0x7f.0.0.1, 2130706433; or ""."""
    try:
        return socket.inet_ntoa(socket.inet_aton(text)) if " " not in text else ""
    except OSError:
        return ""
