"""Bounces from a real mail server's mailbox: what is read, moved and deleted there is so by Dovecot's own account."""

import dataclasses
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handbill.delivery import collect
from handbill.kit import accounts, maildir
from handbill.ops.net import answers, free_port
from tests import services

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
CONFIGURATION = """
base_dir = {home}/base
log_path = {home}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{home}/mail
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password=pencil
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={home}/mail
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
}}
service stats {{
  client_limit = 10
}}
namespace inbox {{
  inbox = yes
  mailbox Done {{
    auto = create
  }}
}}
"""


class Dovecot:
    def __init__(self, home: Path) -> None:
        self.home, self.ports = home, {"imap": free_port(0), "pop3": free_port(0)}

    def put(self, *mails: bytes) -> None:
        for mail in mails:
            shutil.chown(maildir.deliver(self.home / "mail", mail), "nobody", "nogroup")

    def account(self, protocol: str) -> accounts.Mailbox:
        return accounts.Mailbox(protocol, "127.0.0.1", self.ports[protocol], "plain", "bounces@paper.example")


@pytest.fixture
def server() -> Iterator[Dovecot]:
    program = services.need(services.dovecot(), "Dovecot, and the right to start it,")
    home = Path(subprocess.check_output(["mktemp", "-d", "/tmp/dovecot-XXXXXX"], text=True).strip())
    home.chmod(0o755)
    running = Dovecot(home)
    maildir.prepare(home / "mail")
    for path in (home / "mail", *(home / "mail").iterdir()):
        shutil.chown(path, "nobody", "nogroup")
    settings = home / "dovecot.conf"
    settings.write_text(CONFIGURATION.format(home=home, **running.ports))
    process = subprocess.Popen([program, "-F", "-c", settings])
    try:
        until = time.monotonic() + 20
        while not all(answers(f"127.0.0.1:{port}") for port in running.ports.values()):
            assert time.monotonic() < until and process.poll() is None, (home / "log").read_text()
            time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def test_dovecot_gives_each_mail_once_and_keeps_moves_or_deletes_it(
    server: Dovecot, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(collect.PASSWORD, "pencil")

    def collected(protocol: str, after: str, minutes: int) -> int:
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, home=tmp_path, bounce_mailbox=server.account(protocol), bounce_mailbox_after=after
        )
        return collect.collect(NOON + timedelta(minutes=minutes))

    server.put(b"Subject: one\r\n\r\n.one\r\n", b"Subject: two\r\n\r\n" + b"y" * 5000 + b"\r\n")
    assert [collected("imap", "keep", n) for n in (0, 2)] == [2, 0]
    assert [collected("pop3", "keep", n) for n in (4, 6)] == [2, 0]
    server.put(b"Subject: three\r\n\r\nthree\r\n")
    assert [collected("imap", "move:Done", n) for n in (8, 10)] == [1, 0]
    assert len([path for part in ("new", "cur") for path in (server.home / "mail" / ".Done" / part).iterdir()]) == 3
    server.put(b"Subject: four\r\n\r\nfour\r\n")
    assert [collected("pop3", "delete", n) for n in (12, 14)] == [1, 0]
    kept = [path.read_bytes() for path in maildir.waiting(tmp_path / "inbox" / "bounces", 100)]
    assert len(kept) == 6 and sum(b"y" * 5000 in mail for mail in kept) == 2
    assert sum(b"\r\n.one\r\n" in mail or mail.endswith(b"\r\n.one") for mail in kept) == 2
    assert not [path for part in ("new", "cur") for path in (server.home / "mail" / part).iterdir()]
