"""What the tests use if it is there: PostgreSQL, RabbitMQ, Chromium. ``python -m tests.services NAME`` says where."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

REQUIRED = os.environ.get("HANDBILL_TEST_REQUIRE") == "1"


def postgres() -> str:
    """The address of a PostgreSQL server that lets us make databases, or ""."""
    import psycopg

    given = os.environ.get("HANDBILL_TEST_POSTGRES")
    for address in [given] if given else ["postgresql://postgres@127.0.0.1:5432/postgres"]:
        try:
            with psycopg.connect(address, connect_timeout=3):
                return address
        except psycopg.Error:
            continue
    return ""


def rabbitmq() -> str:
    """The address of a RabbitMQ server, or ""."""
    import kombu

    address = os.environ.get("HANDBILL_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
    try:
        with kombu.Connection(address, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1)
        return address
    except Exception:
        return ""


def chromium() -> str:
    """The path of Debian's Chromium, or ""."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""


def dovecot() -> str:
    """The path of Debian's Dovecot (dovecot-imapd, dovecot-pop3d), or "" where it isn't, or we may not start it."""
    return (shutil.which("dovecot") or "") if os.geteuid() == 0 else ""


def need(found: str, what: str) -> str:
    """``found``, else skip this test with a plain word (or fail, where nothing may be skipped)."""
    if not found:
        (pytest.fail if REQUIRED else pytest.skip)(f"{what} is not on this machine")
    return found


if __name__ == "__main__":
    print(globals()[sys.argv[1]]())
