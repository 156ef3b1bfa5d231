"""Loading a `transformers` model and its tokenizer, with one plain line when that fails."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.locations import MINILM, MINILM_SHA256, folder_revision, minilm_folder
from inference.model import InferenceError


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A model ready to run, its tokenizer, and what names its content."""

    model: Any
    tokenizer: Any
    revision: str


def load_pretrained(name: str, revision: str | None, auto_class: str) -> Pretrained:
    """`name` is `minilm`, a local folder, or a hub id. `auto_class` is a class of transformers, by name.

    Raises InferenceError.
    """
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    location = str(minilm_folder()) if name == MINILM else name
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(location, revision=revision, use_fast=True)
        model = getattr(transformers, auto_class).from_pretrained(location, revision=revision)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InferenceError(
            f"cannot load the model {name!r}: {reason} - name a local folder, or a hub id that this machine can reach"
        ) from error
    if not tokenizer.is_fast:
        raise InferenceError(f"the model {name!r} has no fast tokenizer, which exact spans need; choose another")
    model.eval()
    return Pretrained(model, tokenizer, content_revision(name, model))


def content_revision(name: str, model: Any = None) -> str:
    """What names the model's content: a digest for weights we can see, the commit for a hub's."""
    if name == MINILM:
        return f"all-MiniLM-L6-v2@{MINILM_SHA256[:16]}"
    if Path(name).is_dir():
        return f"{Path(name).name}@{folder_revision(Path(name))}"
    commit = getattr(getattr(model, "config", None), "_commit_hash", None)
    return f"{name}@{commit or 'unknown'}"
