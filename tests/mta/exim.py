"""Exim as an Mta: one daemon, whose rules ask which door a client came by.

Debian lets no two mail servers be installed at once, so the program alone is looked for, wherever it stands.
"""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from tests.mta import CONNECTIONS, DOORS, LARGEST, PASSWORD, RATE, SEARCHED, USER, has_ipv6

ACCOUNT = "Debian-exim"
CONFIGURATION = """\
exim_path = {program}
primary_hostname = relay.example
spool_directory = {home}/spool
log_file_path = {home}/%slog
pid_file_path = {home}/spool/exim.pid
keep_environment =
local_interfaces = <; 127.0.0.1{ipv6}
daemon_smtp_ports = {ports}
tls_on_connect_ports = {wrapped}
tls_advertise_hosts = *
tls_certificate = {certificate}
host_lookup =
helo_verify_hosts =
rfc1413_query_timeout = 0s
deliver_drop_privilege = true
smtp_accept_max = 200
smtp_accept_max_per_host = ${{if eq{{$received_port}}{{{crowded}}}{{{connections}}}{{100}}}}
smtp_accept_max_per_connection = {letters}
smtp_accept_queue_per_connection = 0
message_size_limit = {largest}
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
mail:
  deny senders = blocked@*
       message = Sender address rejected
  defer condition = ${{if eq{{$received_port}}{{{rated}}}}}
       ratelimit = {rate} / 1m / strict / per_mail
       message = Too much mail from you
  accept
rcpt:
  deny !authenticated = *
       condition = ${{if or{{{{eq{{$received_port}}{{{plain}}}}}{{eq{{$received_port}}{{{login}}}}}}}}}
       message = Authentication required
  deny condition = ${{if match{{$local_part}}{{^unknown}}}}
       message = 5.1.1 User unknown
  defer condition = ${{if match{{$local_part}}{{^later}}}}
       message = 4.2.1 Mailbox busy
  accept
data:
  deny condition = ${{if def:h_X-Reject:}}
       message = 5.7.1 Message content rejected
  accept

begin routers
out:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = inbox

begin transports
inbox:
  driver = smtp
  port = {inbox}
  allow_localhost
  hosts_avoid_tls = *

begin retry
* * F,1h,1s

begin authenticators
PLAIN:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_advertise_condition = ${{if and{{{{def:tls_in_cipher}}{{eq{{$received_port}}{{{plain}}}}}}}}}
LOGIN:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_advertise_condition = ${{if and{{{{def:tls_in_cipher}}{{eq{{$received_port}}{{{login}}}}}}}}}
"""


class Exim:
    """It needs the user ``Debian-exim`` and root to start."""

    name = "exim"
    doors = tuple(door for door in DOORS if door != "scram")  # the light package has no such login
    letters = 12  # over a connection; 1000 where nothing else is set

    @staticmethod
    def found() -> str:
        """The program's path where it can be started, or ""."""
        program = shutil.which("exim4", path=SEARCHED) or ""
        known = any(account.pw_name == ACCOUNT for account in pwd.getpwall())
        return program if known and os.geteuid() == 0 else ""

    def prepare(self, home: Path, doors: dict[str, int], inbox: int, certificate: Path) -> list[str]:
        (home / "spool").mkdir()
        shutil.chown(home / "spool", ACCOUNT)
        shutil.chown(home, ACCOUNT)  # its logs
        facts = {"home": home, "program": self.found(), "inbox": inbox, "certificate": certificate, "largest": LARGEST}
        facts |= {"rate": RATE, "letters": self.letters, "connections": CONNECTIONS, "user": USER, "password": PASSWORD}
        facts["ipv6"] = " ; ::1" if has_ipv6() else ""
        ports = " : ".join(map(str, doors.values()))
        (home / "exim.conf").write_text(CONFIGURATION.format(**facts, **doors, ports=ports))
        return [self.found(), "-C", str(home / "exim.conf"), "-bdf", "-q1m"]
