"""Every event type of the specification, in the embedded profile."""

from collections.abc import Iterator

import pytest

from tests.annals.event_types_contract import EventTypesContract, Installed, installed_with

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


class TestEmbedded(EventTypesContract):
    @pytest.fixture(scope="class")
    def installed(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
        with installed_with(tmp_path_factory.mktemp("events"), {}) as one:
            yield one
