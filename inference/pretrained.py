"""Loading a `transformers` model and its tokenizer, with one plain line when that fails."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.locations import MINILM, MINILM_NAME, MINILM_SHA256, folder_revision, minilm_folder
from inference.model import InferenceError

ELSEWHERE = "name a local folder, or a hub id that this machine can reach"


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A model ready to run, its tokenizer, and what names its content."""

    model: Any
    tokenizer: Any
    revision: str


def import_torch() -> Any:
    """torch, with threads that sleep while they wait for one another.

    By default (OpenMP's OMP_WAIT_POLICY) they spin, which costs more processor time than the model itself as soon as
    anything else wants a core: the parser, the database, a neighbour. Read once, when torch is first imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    return torch


def load_pretrained(name: str, revision: str | None, auto_class: str) -> Pretrained:
    """`name` is `minilm`, a local folder, or a hub id. `auto_class` is a class of transformers, by name.

    Raises InferenceError.
    """
    import_torch()
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder, content = find(name, revision)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=True, local_files_only=True)
        model = getattr(transformers, auto_class).from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InferenceError(f"cannot load the model {name!r}: {reason} - {ELSEWHERE}") from error
    if not tokenizer.is_fast:
        raise InferenceError(f"the model {name!r} has no fast tokenizer, which exact spans need; choose another")
    model.eval()
    return Pretrained(model, tokenizer, content)


def find(name: str, revision: str | None) -> tuple[Path, str]:
    """The folder with the model's files, and what names their content: a digest for those that we were given, the
    commit for a hub's. Raises InferenceError."""
    if name == MINILM:
        return minilm_folder(), f"{MINILM_NAME}@{MINILM_SHA256[:16]}"
    if Path(name).is_dir():
        return Path(name), f"{Path(name).name}@{folder_revision(Path(name))}"
    # Imported here, for most processes need no hub and its client takes a while to load.
    from inference.external.environment import fetch_model

    try:
        files = fetch_model(name, revision)
    except (InferenceError, OSError) as error:
        raise InferenceError(f"cannot load the model {name!r}: {error}; or {ELSEWHERE}") from error
    return files.folder, f"{name}@{files.revision}"
