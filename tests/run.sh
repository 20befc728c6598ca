#!/bin/sh
# Every test: the rooms on PostgreSQL where a server is found, and beside them all of them on SQLite.
# HANDBILL_TEST_POSTGRES names the server; HANDBILL_TEST_REQUIRE=1 fails where something would be skipped.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
said=$(mktemp)
trap 'rm -f "$said"' EXIT
postgres=$($python -m tests.services postgres)
if [ -z "$postgres" ] && [ "${HANDBILL_TEST_REQUIRE:-}" = 1 ]; then
    echo "No PostgreSQL server: set HANDBILL_TEST_POSTGRES or start one on 127.0.0.1:5432."
    exit 1
fi
$python -m pytest -q -n 2 -m "not long" tests >"$said" 2>&1 &
all=$!
trap 'kill $all 2>/dev/null; rm -f "$said"' EXIT
failed=0
if [ -n "$postgres" ]; then
    echo "Room tests on PostgreSQL:"
    HANDBILL_TEST_DATABASE="$postgres" $python -m pytest -q tests/rooms || failed=$?
else
    echo "SKIPPED: the room tests on PostgreSQL (no server on 127.0.0.1:5432 and HANDBILL_TEST_POSTGRES is not set)."
fi
echo "All tests on SQLite:"
tail -n +1 -f --pid=$all "$said"
wait $all || failed=$?
exit $failed
