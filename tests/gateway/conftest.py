"""A gateway for each test."""

from collections.abc import Iterator

import pytest

from tests.gateway.fakes import Gateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Over fakes."""
    made = Gateway()
    yield made
    made.readers.close()
