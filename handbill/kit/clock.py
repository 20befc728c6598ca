"""The one place that asks what time it is. All below a shell (task, view, command) takes ``now`` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)
