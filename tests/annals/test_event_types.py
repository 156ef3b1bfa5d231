"""Every event type of the specification, in the embedded profile."""

from collections.abc import Iterator

import pytest

from tests.annals.event_types_contract import EventTypesContract, Installed, installed_with

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installed_with(tmp_path_factory.mktemp("events"), {}) as one:
        yield one


class TestEmbedded(EventTypesContract):
    """On these."""
