"""A gateway for each test."""

import pytest

from tests.gateway.fakes import Gateway


@pytest.fixture
def gateway() -> Gateway:
    """Over fakes."""
    return Gateway()
