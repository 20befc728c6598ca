"""Postfix as an Mta: one line of master.cf for each door."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.mta import CONNECTIONS, DOORS, LARGEST, PASSWORD, RATE, SEARCHED, USER, has_ipv6

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {home}/said
maillog_file_prefixes = {home}
multi_instance_directories =
myhostname = relay.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = 127.0.0.1{ipv6}
relayhost = [127.0.0.1]:{inbox}
smtp_tls_security_level = none
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_chain_files = {certificate}
smtpd_tls_auth_only = yes
smtpd_recipient_restrictions = check_recipient_access regexp:{home}/recipients,
 check_sender_access regexp:{home}/senders
smtpd_relay_restrictions = permit_mynetworks, reject
header_checks = regexp:{home}/headers
message_size_limit = {largest}
smtpd_error_sleep_time = 0
smtpd_sasl_path = logins
"""
LOGIN = " -o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
RATED = f" -o smtpd_client_message_rate_limit={RATE} -o smtpd_client_event_limit_exceptions="
CROWDED = f" -o smtpd_client_connection_count_limit={CONNECTIONS} -o smtpd_client_event_limit_exceptions="
OPTIONS = {
    "open": "",
    "wrapped": " -o smtpd_tls_wrappermode=yes",
    "plain": f"{LOGIN} -o smtpd_sasl_mechanism_filter=plain",
    "login": f"{LOGIN} -o smtpd_sasl_mechanism_filter=login",
    "scram": f"{LOGIN} -o smtpd_sasl_mechanism_filter=scram-sha-256",
    "rated": RATED,
    "crowded": CROWDED,
}
SERVICES = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "public", "trace")
MASTER = "/usr/lib/postfix/sbin/master"
SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN SCRAM-SHA-256
sasldb_path: {home}/users.db
"""


class Postfix:
    """It needs the user ``postfix``, whom the package brings, and root to start."""

    name = "postfix"
    doors = DOORS
    letters = 1 << 60  # over a connection

    @staticmethod
    def found() -> str:
        """The program's path where it can be started, or ""."""
        tools = shutil.which("postfix", path=SEARCHED), shutil.which("saslpasswd2", path=SEARCHED)
        return tools[0] if tools[0] and tools[1] and os.geteuid() == 0 else ""

    def prepare(self, home: Path, doors: dict[str, int], inbox: int, certificate: Path) -> list[str]:
        for name in ("data", "sasl", "spool", "spool/pid"):
            (home / name).mkdir()
        for name in ("data", *(f"spool/{queue}" for queue in QUEUES)):
            (home / name).mkdir(exist_ok=True)
            shutil.chown(home / name, "postfix")
        ports = [f"{port} inet n - n - - smtpd -o syslog_name={door}{OPTIONS[door]}\n" for door, port in doors.items()]
        facts = {"home": home, "inbox": inbox, "certificate": certificate, "largest": LARGEST}
        self._write(home, "main.cf", MAIN.format(**facts, ipv6=", [::1]" if has_ipv6() else ""))
        self._write(home, "master.cf", "".join(ports) + SERVICES)
        self._write(home, "recipients", "/^unknown/ 550 5.1.1 User unknown\n/^later/ 450 4.2.1 Mailbox busy\n")
        self._write(home, "senders", "/^blocked@/ REJECT\n")
        self._write(home, "headers", "/^X-Reject:/ REJECT Message content rejected\n")
        self._write(home, "sasl/logins.conf", SASL.format(home=home))
        saslpasswd2 = shutil.which("saslpasswd2", path=SEARCHED)
        users = home / "users.db"
        subprocess.run(
            [saslpasswd2, "-p", "-c", "-f", users, "-u", "relay.example", USER], input=PASSWORD.encode(), check=True
        )
        users.chmod(0o644)
        return [MASTER, "-c", str(home), "-s"]

    @staticmethod
    def _write(home: Path, name: str, text: str) -> None:
        (home / name).write_text(text)
