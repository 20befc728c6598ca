#!/bin/sh
# Every test but the long ones: the rooms on PostgreSQL where a server is found, then all of them on SQLite.
# HANDBILL_TEST_POSTGRES names the server; HANDBILL_TEST_REQUIRE=1 fails where something would be skipped.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
postgres=$($python -m tests.services postgres)
if [ -z "$postgres" ] && [ "${HANDBILL_TEST_REQUIRE:-}" = 1 ]; then
    echo "No PostgreSQL server: set HANDBILL_TEST_POSTGRES or start one on 127.0.0.1:5432."
    exit 1
fi
# Two processes take few tests at a time, in their order: those that empty a database stand behind all that need it.
run() { $python -m pytest -q -n 2 --maxschedchunk 4 -m "not long" "$@"; }
if [ -n "$postgres" ]; then
    echo "Room tests on PostgreSQL:"
    HANDBILL_TEST_DATABASE="$postgres" run tests/rooms
else
    echo "SKIPPED: the room tests on PostgreSQL (no server on 127.0.0.1:5432 and HANDBILL_TEST_POSTGRES is not set)."
fi
echo "All tests on SQLite:"
run tests
