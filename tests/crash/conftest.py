"""The steered newsroom, on each database, and the summary of what was survived."""

from collections.abc import Callable, Iterator

import pytest

from tests.crash.newsroom import Newsroom, database_of


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def newsroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    with database_of(request.param) as database:
        running = Newsroom(tmp_path_factory.mktemp("newsroom"), database)
        yield running
        running.end()


@pytest.fixture
def count(request: pytest.FixtureRequest, newsroom: Newsroom) -> Callable[..., None]:
    """Add figures to the summary: ``count("kills", copies=3000, repeats=12)``."""

    def add(what: str, **figures: int) -> None:
        database = "SQLite" if newsroom.embedded else "PostgreSQL"
        request.node.user_properties.append(("survived", [f"{what}, {database}", figures]))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each kind of trouble and database: sums, and the most of what is named so."""
    sums: dict[str, dict[str, int]] = {}
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    for what, figures in (told for report in reports for name, told in report.user_properties if name == "survived"):
        line = sums.setdefault(what, {"tests": 0})
        for name, number in {"tests": 1, **figures}.items():
            line[name] = max(line.get(name, 0), number) if name.startswith("most") else line.get(name, 0) + number
    if sums:
        terminalreporter.section("what delivery survived")
    for what, line in sorted(sums.items()):
        figures = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in line.items())
        terminalreporter.line(f"{what}: {figures}")
