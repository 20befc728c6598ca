"""After a reader's whole life in a running newsroom, no file and no row of it holds a readable address of anybody's.

Looked for: each address plain, in any case, percent-encoded, in base64 at each of its three offsets, quoted-printable,
in UTF-16, in hexadecimal, reversed, and as an unkeyed hash. Looked in: every file of the newsroom's folder (database
and its journal, logs, queue, inbox, search index, site), and with PostgreSQL a dump of every table.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from handbill.ops.net import answers
from handbill.testing.relay import LoopbackRelay, Moment, Reply
from tests.newsroom import Newsroom
from tests.services import need, postgres

BOB, CY, DEE, EVE, FAY, GUS, HAL = (
    f"{name}.reads@readers.example" for name in ("bob", "cy", "dee", "eve", "fay", "gus", "hal")
)
EVERYONE = (BOB, CY, DEE, EVE, FAY, GUS, HAL, "ida.typo@@readers.example", "jon.reads@readers.example")
BOUNCE = """From: MAILER-DAEMON@mx.example
To: {to}
Return-Path: <>
Delivered-To: {to}
Message-ID: <bounce-1@mx.example>
Subject: Undelivered mail for {who}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

<{who}>: unknown user

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {who}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{who}> unknown user

--b--
"""


def disguises(address: str) -> Iterator[bytes]:
    """What an address looks like to who wants to read it; all in small letters but base64."""
    plain = address.encode()
    local = address.partition("@")[0]
    yield from (plain, urllib.parse.quote(address, safe="").lower().encode(), address.replace("@", "=40").encode())
    yield from (address.encode("utf-16-le"), address.encode("utf-16-be"), plain[::-1], plain.hex().encode())
    yield local.encode()  # also beside a domain that stands elsewhere
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + plain)
        yield text[offset + (offset > 0) : -4]
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, plain)
        yield from (digest.digest(), digest.hexdigest().encode(), base64.b64encode(digest.digest())[:-2])


def found_in(data: bytes) -> set[tuple[str, bytes]]:
    small = data.lower()
    return {(who, sign) for who in EVERYONE for sign in disguises(who) if sign in data or sign in small}


def test_each_disguise_is_seen_through() -> None:
    for who in EVERYONE:
        for text in (who, who.upper(), urllib.parse.quote(who, safe=""), who[::-1]):
            assert found_in(text.encode()), text
        for data in (
            who.encode("utf-16"),
            base64.b64encode(f"x{who}y".encode()),
            base64.b64encode(f"xy{who}z".encode()),
        ):
            assert found_in(b"some" + data + b"thing"), data
        assert found_in(hashlib.sha256(who.encode()).digest()) and not found_in(b"nobody@readers.example")


class Life:
    """What happens to readers between sign-up and erasure, through the doors they and others use."""

    def __init__(self, paper: Newsroom, relay: LoopbackRelay) -> None:
        self.paper, self.relay = paper, relay

    def post(self, path: str, **fields: str) -> int:
        data = urllib.parse.urlencode(fields).encode()
        try:
            with urllib.request.urlopen(f"{self.paper.site}{path}", data, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def get(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"{self.paper.site}{path}", timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def link(self, who: str, page: str) -> str:
        """The path of a page's link in the newest mail to somebody; waits for the mail."""

        def look() -> str:
            for mail in reversed(self.relay.sent_to(who)):
                text = mail.data.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode("utf-8", "replace")
                if found := re.search(rf"/{page}/[\w.~=-]+/", text):
                    return found[0]
            return ""

        return until(look)

    def begin(self, who: str) -> None:
        assert self.post("/subscribe/", address=who) == 200
        assert self.post(self.link(who, "confirm")) == 200


def until(condition: Callable[[], str | bool], seconds: float = 90) -> str:
    end = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return str(said)


ISSUE = """
from handbill.delivery.actions import hand_over
from handbill.delivery.records import READER_SLOT, LetterBody, Recipient
from handbill.kit.clock import now
from handbill.subscribers.queries import readers
link = f"<a href='https://paper.example/unsubscribe/{READER_SLOT}/'>leave</a>"
letter = LetterBody("main", "The Paper <news@paper.example>", "Today", link, link)
hand_over("issue-1", "issue", [letter], [Recipient(one.id, one.address, "main") for one in readers(now())], now())
"""


def refuse(moment: Moment) -> Reply | None:
    """A mail server that repeats an address in all it says: Eve is unknown to it, Fay's mailbox full."""
    to = moment.recipients[-1] if moment.recipients else ""
    if moment.stage == "rcpt" and to == EVE:
        return Reply(550, f"5.1.1 <{to}>: Recipient {to} unknown (smtp;{to.replace('@', '=')})")
    if moment.stage == "rcpt" and to == FAY:
        return Reply(452, f"4.2.2 {to.upper()} is over quota")
    return None


def live(life: Life, folder: Path) -> None:
    paper = life.paper
    for who in (BOB, CY, DEE, EVE, FAY):
        life.begin(who)
    life.relay.script = refuse
    assert life.post("/subscribe/", address="ida.typo@@readers.example") == 400
    odd = ("/nowhere/{}/", "/unsubscribe/{}/", "/subscribe/?address={}", "/x?email={}", "/search/?q={}")
    for path in odd:
        life.get(path.format(BOB))
        life.get(path.format(urllib.parse.quote(BOB, safe="")))
    table = folder / "list.csv"
    table.write_text(f"email,confirmed\n{HAL},2020-01-02\njon.reads@readers.example,\nida.typo@@readers.example,\n")
    paper.json("import", "subscribers", str(table), "--report", str(paper.home / "fates.csv"), code=3)
    paper.python(ISSUE)
    until(lambda: all(life.relay.sent_to(who) for who in (HAL,)))
    life.post(life.link(BOB, "unsubscribe").replace("unsubscribe", "move"), address=GUS)
    life.post(life.link(GUS, "moved"))
    sender = next(mail.sender for mail in life.relay.sent_to(DEE)[::-1] if mail.sender.startswith("bounces+"))
    mailbox = folder / "maildir"
    (mailbox / "new" / "1.mx").write_text(BOUNCE.format(to=sender, who=DEE))
    until(lambda: not list((mailbox / "new").iterdir()))  # read; the folder is the mail server's own
    paper.json("export", "subscribers", "--out", str(folder / "list-out.csv"))
    assert BOB not in (folder / "list-out.csv").read_text() and GUS in (folder / "list-out.csv").read_text()
    life.post(life.link(CY, "unsubscribe"))
    life.post(life.link(HAL, "unsubscribe").replace("unsubscribe", "erase"))


def look_everywhere(paper: Newsroom) -> dict[str, set[tuple[str, bytes]]]:
    found = {str(path.relative_to(paper.home)): found_in(path.read_bytes()) for path in files(paper)}
    database = paper.environment.get("HANDBILL_DATABASE", "")
    if database:
        dump = subprocess.run(["pg_dump", "--inserts", database], capture_output=True, check=True).stdout
        assert b"subscribers_subscriber" in dump
        found["pg_dump"] = found_in(dump) | found_in(
            bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]*)", dump.decode())))
        )
    return {name: what for name, what in found.items() if what}


def files(paper: Newsroom) -> list[Path]:
    return [path for path in paper.home.rglob("*") if path.is_file()]


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_file_and_no_row_holds_a_readers_address(tmp_path: Path, database: str) -> None:
    mailbox, more, drop = tmp_path / "maildir", {}, lambda: None
    for name in ("new", "cur", "tmp"):
        (mailbox / name).mkdir(parents=True)
    if database == "postgresql":
        server = need(postgres(), "PostgreSQL")
        name = f"leak_{tmp_path.name[-40:].replace('-', '_')}_{time.time_ns()}"[:60]
        run(server, f'CREATE DATABASE "{name}"')
        more["HANDBILL_DATABASE"] = server.rpartition("/")[0] + f"/{name}"
        drop = lambda: run(server, f'DROP DATABASE "{name}" WITH (FORCE)')  # noqa: E731
    more |= {"HANDBILL_BOUNCE_ADDRESS": "bounces@paper.example", "HANDBILL_BOUNCE_MAILDIR": str(mailbox)}
    try:
        with LoopbackRelay() as relay:
            paper = Newsroom(tmp_path / "newsroom", relay=relay.port, **more)
            process = paper.start("run")
            try:
                until(lambda: answers(f"127.0.0.1:{paper.public}"))
                live(Life(paper, relay), tmp_path)
                assert look_everywhere(paper) == {}
            finally:
                process.terminate()
                said = process.communicate(timeout=210)
        assert look_everywhere(paper) == {} and not found_in(json.dumps(said).encode())
        names = {path.name for path in files(paper)}
        assert {"worker.log", "public.log"} <= names and (database != "sqlite" or "handbill.sqlite3" in names)
    finally:
        drop()


def run(server: str, command: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(command)
