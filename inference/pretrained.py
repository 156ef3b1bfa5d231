"""Loading a `transformers` model and its tokenizer, with one plain line when that fails."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from inference.locations import MINILM, MINILM_NAME, MINILM_SHA256, folder_revision, minilm_folder
from inference.model import InferenceError

ELSEWHERE = "name a local folder, or a hub id that this machine can reach"
HEADS = {
    "AutoModelForTokenClassification": "token classification",
    "AutoModelForQuestionAnswering": "question answering",
    "AutoModelForSequenceClassification": "sequence classification",
}
"""Classes whose last layer is the point of them, and what it does."""
Dtype = Literal["auto", "float32", "bfloat16"]
"""How a model computes; `auto`: in bfloat16 where the GPU or the processor does, which is faster, else in float32."""


class MissingExtraError(InferenceError):
    """Models of `transformers` need the extra `models`; install it (`make models` in a checkout)."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A model ready to run on `device`, its tokenizer, and what names its content; with its dtype, `revision`."""

    model: Any
    tokenizer: Any
    content: str
    revision: str
    device: str


def import_torch() -> Any:
    """torch, with threads that sleep while they wait for one another.

    By default (OpenMP's OMP_WAIT_POLICY) they spin, which costs more processor time than the model itself as soon as
    anything else wants a core: the parser, the database, a neighbour. Read once, when torch is first imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    return torch


def require_extra(name: str) -> None:
    """See, without loading them, that the libraries are there that the model `name` needs. Raises MissingExtraError."""
    if missing := [library for library in ("torch", "transformers") if find_spec(library) is None]:
        raise MissingExtraError(
            f"the model {name!r} needs {' and '.join(missing)}, which the extra `models` brings; "
            "install annals[models] (in a checkout: make models), or leave the setting out"
        )


def load_pretrained(name: str, revision: str | None, auto_class: str, *, dtype: Dtype = "auto") -> Pretrained:
    """`name` is `minilm`, a local folder, or a hub id. `auto_class` is a class of transformers, by name.

    On a GPU where there is one. Raises InferenceError.
    """
    require_extra(name)
    torch = import_torch()
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder, content = find(name, revision)
    chosen = computes_in(dtype)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=True, local_files_only=True)
        model, told = getattr(transformers, auto_class).from_pretrained(
            folder, local_files_only=True, dtype=getattr(torch, chosen), output_loading_info=True
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InferenceError(f"cannot load the model {name!r}: {reason} - {ELSEWHERE}") from error
    if auto_class in HEADS and told["missing_keys"]:
        # transformers fills in random numbers.
        raise InferenceError(
            f"the model {name!r} was not trained for {HEADS[auto_class]}: it has no {min(told['missing_keys'])}; "
            "choose another"
        )
    if not tokenizer.is_fast:
        raise InferenceError(f"the model {name!r} has no fast tokenizer, which exact spans need; choose another")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.eval().to(device)
    return Pretrained(model, tokenizer, content, computed(content, chosen), device)


def computes_in(dtype: Dtype) -> Literal["float32", "bfloat16"]:
    """The dtype that is meant on this machine."""
    if dtype != "auto":
        return dtype
    torch = import_torch()
    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Where a processor only converts, bfloat16 is slower than float32.
        fast = torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if fast else "float32"


def computed(content: str, dtype: str) -> str:
    """The revision of a model that computes so: outputs of two dtypes never mix."""
    return content if dtype == "float32" else f"{content}/{dtype}"


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
