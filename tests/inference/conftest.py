"""The packaged models, each loaded once a run."""

import os
from pathlib import Path

import pytest

from inference.embedding import Embedder
from inference.spacy_analysis import SpacyAnalyser
from tests.inference.tiny import make_classifier, make_encoder

# Read when transformers is first imported: no test may depend on what a hub answers.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    """The default embedder, from its package."""
    return Embedder()


@pytest.fixture(scope="session")
def float32() -> Embedder:
    """The same model as the default embedder's, in float32 on torch."""
    return Embedder("minilm", dtype="float32")


@pytest.fixture(scope="session")
def analyser() -> SpacyAnalyser:
    """The default analyser, from its package."""
    return SpacyAnalyser()


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an embedder with random weights."""
    return make_encoder(tmp_path_factory.mktemp("models") / "encoder")


@pytest.fixture(scope="session")
def tiny_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a token classifier that calls `sefrik` a person and `lisse` a place."""
    return make_classifier(tmp_path_factory.mktemp("models") / "classifier")
