"""One newsroom folder for the whole run, made before Django reads its settings. See each folder's README for its rules.

``HANDBILL_TEST_DATABASE`` chooses the server for the room tests: unset is SQLite, else a ``postgresql://`` address.
"""

import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import pytest

from handbill.kit.keys import make_keys

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("suite")

HOME = Path(tempfile.mkdtemp(prefix="handbill-test-"))
(HOME / "handbill.toml").write_text(
    'name = "The Test Paper"\nfrom_address = "The Test Paper <news@paper.example>"\n'
    'postal_address = "1 Test Street, Testville"\npublic_address = "https://paper.example"\n'
    'desk_address = "https://desk.paper.example"\ntime_zone = "Europe/Berlin"\n'
)
make_keys(HOME / "keys")
for name in [name for name in os.environ if name.startswith("HANDBILL_") and not name.startswith("HANDBILL_TEST_")]:
    del os.environ[name]
os.environ["HANDBILL_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "handbill.config.settings"
if os.environ.get("HANDBILL_TEST_DATABASE"):
    os.environ["HANDBILL_DATABASE"] = os.environ["HANDBILL_TEST_DATABASE"]

import django  # noqa: E402
from django.db import connection  # noqa: E402

from handbill.ops.schema import load_schema  # noqa: E402

django.setup()
if connection.vendor == "postgresql":
    connection.settings_dict["TEST"]["NAME"] = f"test_handbill_{os.getpid()}"


PROGRAMS = ("tests/crash/", "tests/journeys/")
MAY_BE_SKIPPED = ("no corpus", "no IPv6", "the shipped schema is SQLite's", "SQLite has no server", "PostgreSQL waits")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where nothing may be skipped (``HANDBILL_TEST_REQUIRE=1``), a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("HANDBILL_TEST_REQUIRE") == "1":
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(word in reason for word in MAY_BE_SKIPPED):
            report.outcome, report.longrepr = "failed", f"must not be skipped here: {reason}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole programs first, so that no process is left alone with them at the end; after pytest-django's order."""
    items.sort(
        key=lambda item: not item.nodeid.startswith(PROGRAMS) or item.get_closest_marker("django_db") is not None
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Each process makes a newsroom folder of its own: with the settings named, pytest-django would read them before
    that, from the first one's folder, whose keys and counts all would then share.
    """
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """On SQLite the tests' database begins as the shipped schema, as a newsroom's does; what it lacks is migrated.

    A test in ``architecture`` compares that schema with the migrations.
    """
    return connection.vendor == "sqlite" and load_schema(Path(connection.creation._get_test_db_name()))


@pytest.fixture
def newsroom_home() -> Path:
    """The folder of the newsroom under test."""
    return HOME


@pytest.fixture
def corpus() -> Path:
    """Real material to test against; not part of the project, so skipped where it is missing."""
    folder = Path(__file__).parent.parent.parent / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip("no corpus of real feeds beside the project")
    return folder
