"""Which embedder the settings name, and whether stored vectors are its own."""

from collections.abc import Mapping
from typing import get_args

from inference.locations import (
    MINILM,
    MINILM_INT8,
    MINILM_INT8_NAME,
    MINILM_INT8_SHA256,
    MINILM_NAME,
    minilm_int8,
)
from inference.model import OtherModelError
from inference.pretrained import Dtype, computed, computes_in, find, require_extra

POOLING = "mean-1"
COMMIT_LENGTH = 40
MINILM_INT8_REVISION = f"{MINILM_INT8_NAME}@{MINILM_INT8_SHA256[:16]}"


def embedder_revision(name: str, revision: str | None, dtype: Dtype = "auto") -> str:
    """The revision of the embedder `name`: the model, how it computes, and what is done to its output.

    Loads no weights. Raises InferenceError.
    """
    if name == MINILM_INT8:
        minilm_int8()
        return f"{MINILM_INT8_REVISION}/{POOLING}"
    require_extra(name)
    return f"{computed(find(name, revision)[1], computes_in(dtype))}/{POOLING}"


def check_embedder(revision: str, stored: Mapping[str, int]) -> None:
    """Raises OtherModelError where vectors are stored (revisions with counts) and none of them is of `revision`."""
    if stored and revision not in stored:
        raise OtherModelError(explain(revision, stored))


def explain(revision: str, stored: Mapping[str, int]) -> str:
    """One line: of which models vectors are stored, and what to do: set the most frequent one, or change it."""
    others = sorted((model for model in stored if model != revision), key=lambda model: (-stored[model], model))
    counted = ", ".join(f"{model} ({stored[model]})" for model in others)
    return (
        f"the passages have vectors of {counted}, which cannot be compared with those of {revision}, the embedder of "
        f"the settings; set {settings_of(others[0])}, or have another one take over: annals models set embedder NAME"
    )


def settings_of(revision: str) -> str:
    """What to set for the embedder of this revision."""
    before, dtype = _parts(revision)
    name, _, content = before.rpartition("@")
    if name == MINILM_INT8_NAME:
        return f"ANNALS_EMBEDDER={MINILM_INT8}"
    computing = f"ANNALS_MODEL_DTYPE={dtype}"
    if name == MINILM_NAME:
        return f"ANNALS_EMBEDDER={MINILM} and {computing}, with the extra `models` installed"
    if len(content) == COMMIT_LENGTH:
        return f"ANNALS_EMBEDDER={name}, ANNALS_EMBEDDER_REVISION={content} and {computing}"
    return f"ANNALS_EMBEDDER to the folder {name!r} whose files have the digest {content}, and {computing}"


def dtype_of(revision: str) -> Dtype:
    """How the embedder of this revision computes."""
    return _parts(revision)[1]


def _parts(revision: str) -> tuple[str, Dtype]:
    """The model with its content, and how it computes."""
    model, _, pooling = revision.rpartition("/")
    if pooling != POOLING:
        model = revision
    before, _, dtype = model.rpartition("/")
    known: Dtype | None = next((one for one in get_args(Dtype) if one == dtype), None)
    return (model, "float32") if known is None else (before, known)
