"""Which embedder is meant: its revision without its weights, and what to set for one that is stored."""

from pathlib import Path
from typing import get_args

import pytest

from inference.embedder import check_embedder, embedder_revision, settings_of
from inference.embedding import Embedder
from inference.locations import MINILM_SHA256
from inference.model import OtherModelError
from inference.pretrained import Dtype

COMMIT = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"


def test_the_revision_is_that_of_the_loaded_model(minilm: Embedder, float32: Embedder, tiny_encoder: Path) -> None:
    assert embedder_revision("minilm-int8", None) == minilm.revision
    assert embedder_revision("minilm", None, "float32") == float32.revision
    for dtype in get_args(Dtype):
        assert embedder_revision(str(tiny_encoder), None, dtype) == Embedder(str(tiny_encoder), dtype=dtype).revision


def test_each_way_of_computing_has_a_revision_of_its_own(minilm: Embedder, float32: Embedder) -> None:
    bfloat16 = embedder_revision("minilm", None, "bfloat16")
    assert len({minilm.revision, float32.revision, bfloat16}) == 3
    # What an earlier version embedded is float32's.
    assert float32.revision == f"all-MiniLM-L6-v2@{MINILM_SHA256[:16]}/mean-1"


def test_what_to_set_for_a_revision(minilm: Embedder, float32: Embedder, tiny_encoder: Path) -> None:
    assert settings_of(minilm.revision) == "ANNALS_EMBEDDER=minilm-int8"
    assert settings_of(float32.revision) == (
        "ANNALS_EMBEDDER=minilm and ANNALS_MODEL_DTYPE=float32, with the extra `models` installed"
    )
    assert "ANNALS_MODEL_DTYPE=bfloat16" in settings_of(embedder_revision("minilm", None, "bfloat16"))
    found = settings_of(embedder_revision(str(tiny_encoder), None))
    assert found.startswith("ANNALS_EMBEDDER to the folder 'encoder' whose files have the digest ")
    assert settings_of(f"org/model@{COMMIT}/mean-1") == (
        f"ANNALS_EMBEDDER=org/model, ANNALS_EMBEDDER_REVISION={COMMIT} and ANNALS_MODEL_DTYPE=float32"
    )
    assert settings_of(f"org/model@{COMMIT}/bfloat16/mean-1") == (
        f"ANNALS_EMBEDDER=org/model, ANNALS_EMBEDDER_REVISION={COMMIT} and ANNALS_MODEL_DTYPE=bfloat16"
    )


@pytest.mark.parametrize("stored", [{}, {"b@2": 1}, {"a@1": 5, "b@2": 1}])
def test_vectors_of_its_own_or_none_are_right(stored: dict[str, int]) -> None:
    check_embedder("b@2", stored)


def test_vectors_of_others_alone_are_refused_naming_the_most_frequent() -> None:
    with pytest.raises(OtherModelError, match=r"x@2 \(7\), a@1 \(5\).* b@2.*folder 'x'"):
        check_embedder("b@2", {"a@1": 5, "x@2": 7})
