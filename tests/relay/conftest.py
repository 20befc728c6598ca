"""A certificate for 127.0.0.1."""

from pathlib import Path

import pytest

from tests.mta.tls import Authority


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key, certificate and who vouches for it, in one file."""
    return Authority().issue(tmp_path_factory.mktemp("tls") / "relay.pem", ["127.0.0.1"])
