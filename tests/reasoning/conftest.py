"""The default embedder, loaded once a run."""

import os

import pytest

from inference.embedding import Embedder
from tests.reasoning.town import TownEmbedder

os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def embedder() -> TownEmbedder:
    """From its package."""
    return TownEmbedder(Embedder())
