"""From a hub's name of a model to vectors, as a person sets it up: by the environment."""

from pathlib import Path

import numpy as np
import pytest

from inference.embedding import Embedder
from inference.external.environment import fetch_model
from inference.model import InferenceError
from inference.pretrained import load_pretrained
from tests.inference.external.hub_server import Hub

ID = "annals/tiny-encoder"
TEXTS = ["sefrik lives in lisse .", "the bridge"]


@pytest.fixture(autouse=True)
def environment(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("HF_TOKEN", raising=False)


def test_an_embedder_from_a_hub_gives_the_vectors_of_the_same_folder(hub: Hub, tiny_encoder: Path) -> None:
    commit = hub.publish_folder(ID, tiny_encoder)
    embedder = Embedder(ID, dtype="float32")
    assert embedder.revision == f"{ID}@{commit}/mean-1"
    assert np.array_equal(embedder.embed(TEXTS), Embedder(str(tiny_encoder), dtype="float32").embed(TEXTS))


def test_what_was_downloaded_loads_without_a_hub(hub: Hub, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish_folder(ID, tiny_encoder)
    first = Embedder(ID)
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert Embedder(ID).revision == first.revision
    assert hub.requests == []


def test_a_revision_is_loaded_and_not_the_newest(hub: Hub, tiny_encoder: Path) -> None:
    old = hub.publish_folder(ID, tiny_encoder)
    hub.publish(ID, {"config.json": b"not even JSON"})
    assert Embedder(ID, old).revision.startswith(f"{ID}@{old}")
    with pytest.raises(InferenceError, match=f"cannot load the model '{ID}'"):
        Embedder(ID)


def test_the_token_comes_from_the_environment(hub: Hub, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish_folder(ID, tiny_encoder)
    hub.token = "hf_secret"
    with pytest.raises(
        InferenceError, match="set HF_TOKEN to a token that may read it; or name a local folder"
    ) as raised:
        load_pretrained(ID, None, "AutoModel")
    assert "\n" not in str(raised.value)
    monkeypatch.setenv("HF_TOKEN", "hf_secret\n")
    assert "config.json" in fetch_model(ID, None).files


async def test_a_model_can_be_fetched_where_an_event_loop_runs(hub: Hub, tiny_encoder: Path) -> None:
    hub.publish_folder(ID, tiny_encoder)
    assert "model.safetensors" in fetch_model(ID, None).files


@pytest.mark.parametrize("address", ["ftp://hub", "hub.example", "http://", "http://hub:port"])
def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(InferenceError, match="HF_ENDPOINT is no address"):
        fetch_model(ID, None)
