"""Which embedder is meant: its revision without its weights, and what to set for one that is stored."""

from pathlib import Path

import pytest

from inference.embedder import check_embedder, embedder_revision, settings_of
from inference.embedding import Embedder
from inference.model import OtherModelError

COMMIT = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"


def test_the_revision_is_that_of_the_loaded_model(minilm: Embedder, tiny_encoder: Path) -> None:
    assert embedder_revision("minilm", None) == minilm.revision
    assert embedder_revision(str(tiny_encoder), None) == Embedder(str(tiny_encoder)).revision


def test_what_to_set_for_a_revision(minilm: Embedder, tiny_encoder: Path) -> None:
    assert settings_of(minilm.revision) == "ANNALS_EMBEDDER=minilm"
    found = settings_of(embedder_revision(str(tiny_encoder), None))
    assert found.startswith("ANNALS_EMBEDDER to the folder 'encoder' whose files have the digest ")
    assert settings_of(f"org/model@{COMMIT}/mean-1") == (
        f"ANNALS_EMBEDDER=org/model and ANNALS_EMBEDDER_REVISION={COMMIT}"
    )


@pytest.mark.parametrize("stored", [{}, {"b@2": 1}, {"a@1": 5, "b@2": 1}])
def test_vectors_of_its_own_or_none_are_right(stored: dict[str, int]) -> None:
    check_embedder("b@2", stored)


def test_vectors_of_others_alone_are_refused_naming_the_most_frequent() -> None:
    with pytest.raises(OtherModelError, match=r"x@2 \(7\), a@1 \(5\).* b@2.*folder 'x'"):
        check_embedder("b@2", {"a@1": 5, "x@2": 7})
