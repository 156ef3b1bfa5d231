"""What a hub says of a model: its commit, its files, and the digests that its files must have."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from contracts.errors import AnnalsError

COMMIT = re.compile(r"[0-9a-f]{40}")
MODEL_ID = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?", re.ASCII)
PIECE = 1024 * 1024
NEEDED = (".json", ".txt", ".model", ".jinja", ".tiktoken")
WEIGHTS = (
    re.compile(r"model\.safetensors"),
    re.compile(r"model(-\d{5}-of-\d{5}\.safetensors|\.safetensors\.index\.json)"),
    re.compile(r"pytorch_model\.bin"),
    re.compile(r"pytorch_model(-\d{5}-of-\d{5}\.bin|\.bin\.index\.json)"),
)
"""In the order of preference: pickled weights can run code when they are loaded, so they come last."""


class BadListingError(AnnalsError):
    """The hub's listing cannot be trusted or used; the message says why."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a commit. LFS files have a sha256, small ones git's own sha1 of the blob."""

    name: str
    size: int
    sha256: str | None
    blob: str

    @property
    def digest(self) -> str:
        """Names the content, so the same content has the same name at any commit."""
        return self.sha256 or self.blob

    def is_at(self, path: Path) -> bool:
        """Whether the file at this path has the size and the digest that the hub gave. Reads all of it."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        # Git names a blob by the sha1 of "blob", its size, a zero byte and the content (Pro Git, section 10.2).
        running = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                running.update(piece)
        return running.hexdigest() == self.digest


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model at one commit. `revision` is the commit, 40 hexadecimal digits."""

    model_id: str
    revision: str
    files: tuple[RemoteFile, ...]


def read_info(model_id: str, answer: Any) -> ModelInfo:
    """The answer of `/api/models/{id}/revision/{revision}?blobs=true`. Raises BadListingError."""
    try:
        commit, siblings = str(answer["sha"]), list(answer["siblings"])
    except (KeyError, TypeError) as error:
        raise BadListingError("it names no commit or no files") from error
    if not COMMIT.fullmatch(commit):
        raise BadListingError("it names no commit")
    return ModelInfo(model_id, commit, tuple(_read_file(sibling) for sibling in siblings))


def as_answer(info: ModelInfo) -> dict[str, Any]:
    """What `read_info` reads, for the manifest that lies beside the files."""
    return {
        "sha": info.revision,
        "siblings": [
            {"rfilename": file.name, "size": file.size, "blobId": file.blob}
            | ({"lfs": {"sha256": file.sha256, "size": file.size}} if file.sha256 else {})
            for file in info.files
        ],
    }


def needed(names: Sequence[str]) -> list[str]:
    """Configuration, tokenizer, vocabulary, and weights of one kind, all from the top folder.

    That is what `transformers` loads. Weights for other frameworks and other precisions are left where they are.
    """
    top = [name for name in names if "/" not in name]
    weights: list[str] = next((found for kind in WEIGHTS if (found := [n for n in top if kind.fullmatch(n)])), [])
    rest = [name for name in top if name.endswith(NEEDED) and not name.endswith(".index.json")]
    return sorted({*weights, *rest})


def _read_file(sibling: Any) -> RemoteFile:
    try:
        name, size, blob = str(sibling["rfilename"]), sibling["size"], sibling["blobId"]
        sha256 = sibling["lfs"]["sha256"] if sibling.get("lfs") else None
    except (KeyError, TypeError, AttributeError) as error:
        raise BadListingError("it gives a file without its size or its digest") from error
    path = PurePosixPath(name)
    # A name from outside must not lead out of the model's folder.
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not path.name:
        raise BadListingError(f"it names a file {name!r} outside the model's folder")
    sound = isinstance(size, int) and size >= 0 and COMMIT.fullmatch(str(blob))
    if not sound or (sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", str(sha256))):
        raise BadListingError(f"it gives no size or no digest of {name!r}")
    return RemoteFile(name, size, sha256, blob)
