"""Which embedder the settings name, and whether stored vectors are its own."""

from collections.abc import Mapping

from inference.locations import MINILM, MINILM_NAME
from inference.model import OtherModelError
from inference.pretrained import find

POOLING = "mean-1"
COMMIT_LENGTH = 40


def embedder_revision(name: str, revision: str | None) -> str:
    """The revision of the embedder `name`: the model and what is done to its output. Loads no weights.

    Raises InferenceError.
    """
    return f"{find(name, revision)[1]}/{POOLING}"


def check_embedder(revision: str, stored: Mapping[str, int]) -> None:
    """Raises OtherModelError where vectors are stored (revisions with counts) and none of them is of `revision`."""
    if stored and revision not in stored:
        raise OtherModelError(explain(revision, stored))


def explain(revision: str, stored: Mapping[str, int]) -> str:
    """One line: of which models vectors are stored, and what to set for the most frequent one."""
    others = sorted((model for model in stored if model != revision), key=lambda model: (-stored[model], model))
    counted = ", ".join(f"{model} ({stored[model]})" for model in others)
    return (
        f"the passages have vectors of {counted}, which cannot be compared with those of {revision}, the embedder of "
        f"the settings; set {settings_of(others[0])}, or delete those documents and take them in again"
    )


def settings_of(revision: str) -> str:
    """What to set for the embedder of this revision."""
    name, _, content = revision.partition("/mean")[0].rpartition("@")
    if name == MINILM_NAME:
        return f"ANNALS_EMBEDDER={MINILM}"
    if len(content) == COMMIT_LENGTH:
        return f"ANNALS_EMBEDDER={name} and ANNALS_EMBEDDER_REVISION={content}"
    return f"ANNALS_EMBEDDER to the folder {name!r} whose files have the digest {content}"
