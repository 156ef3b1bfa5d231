"""Models from HuggingFace's hub, or any server that speaks as it does."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import httpx

from external.retry import CutOffError
from inference.external.client import ExternalSystemClient
from inference.external.errors import PASSING, ExternalSystemError, InvalidAnswerError
from inference.external.hub_cache import ModelCache
from inference.external.hub_listing import (
    COMMIT,
    MODEL_ID,
    BadListingError,
    ModelInfo,
    RemoteFile,
    needed,
    read_info,
)
from inference.model import InferenceError
from telemetry import metrics

Wanted = Callable[[Sequence[str]], Sequence[str]]
PARALLEL = 4
LOCK_LIMIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's files in `folder`, whole and checked. `revision` is the commit, `files` are names within the folder."""

    folder: Path
    revision: str
    files: tuple[str, ...]


class HuggingFaceClient:
    """Keeps models by commit below `cache_folder`. The client brings the token."""

    def __init__(self, client: ExternalSystemClient, cache_folder: Path, *, lock_limit_s: float = LOCK_LIMIT_S) -> None:
        self._client = client
        self._folder = cache_folder
        self._lock_limit_s = lock_limit_s

    async def model_info(self, model_id: str, revision: str = "main") -> ModelInfo:
        """What the hub says of the model at this commit, branch or tag. Raises InferenceError."""
        check_id(model_id)
        answer = await self._client.get_json(f"api/models/{model_id}/revision/{quote(revision, safe='')}", blobs="true")
        try:
            info = read_info(model_id, answer)
        except BadListingError as error:
            raise self._invalid(f"cannot use its listing of {model_id}: {error} - name another model") from error
        if COMMIT.fullmatch(revision) and info.revision != revision:
            raise self._invalid(f"gave commit {info.revision} for {revision} - try again later")
        return info

    async def download_model(self, model_id: str, revision: str = "main", wanted: Wanted = needed) -> ModelFiles:
        """The wanted files of the model. What lies here whole and checked is not asked for again.

        A commit that is here needs no hub at all. A branch or tag is looked up, and where the hub cannot be reached
        it is where it was last seen. `wanted` chooses from the names of all files. Raises InferenceError.
        """
        check_id(model_id)
        cache = ModelCache(self._folder, model_id)
        info = await self._known(cache, model_id, revision)
        names = set(wanted([file.name for file in info.files]))
        files = [file for file in info.files if file.name in names]
        if not files:
            raise InferenceError(f"{model_id} has none of the files that are needed - name another model")
        folder = cache.folder(info.revision)
        if await asyncio.to_thread(_missing, folder, files):
            async with cache.locked(self._lock_limit_s):
                # Looked at again: another process may have been here before.
                await self._download_all(cache, info, await asyncio.to_thread(_missing, folder, files))
        return ModelFiles(folder, info.revision, tuple(sorted(file.name for file in files)))

    async def _known(self, cache: ModelCache, model_id: str, revision: str) -> ModelInfo:
        commit = cache.commit_of(revision)
        kept = cache.info(commit) if commit else None
        if kept is not None and kept.revision == revision:
            return kept
        try:
            info = await self.model_info(model_id, revision)
        except PASSING:
            if kept is None:
                raise
            return kept
        cache.keep_info(revision, info)
        return info

    async def _download_all(self, cache: ModelCache, info: ModelInfo, files: Sequence[RemoteFile]) -> None:
        slots = asyncio.Semaphore(PARALLEL)
        try:
            async with asyncio.TaskGroup() as group:
                for file in files:
                    group.create_task(self._download(cache, info, file, slots))
        except ExceptionGroup as group_error:
            # The others were cancelled, and what they have is kept to go on from.
            raise group_error.exceptions[0] from None

    async def _download(self, cache: ModelCache, info: ModelInfo, file: RemoteFile, slots: asyncio.Semaphore) -> None:
        partial = cache.partial(file)
        async with slots:
            begun = _size(partial)
            await self._fetch(info, file, partial)
            if begun and not await asyncio.to_thread(file.is_at, partial):
                # What an earlier download left may be at fault; what comes now is the hub's alone.
                partial.unlink()
                await self._fetch(info, file, partial)
            if not await asyncio.to_thread(file.is_at, partial):
                partial.unlink()
                raise self._invalid(
                    f"sent other bytes for {file.name} of {info.model_id} than its digest {file.digest[:12]}... names"
                    " - try again later, or name another revision"
                )
            cache.put(info.revision, file)

    async def _fetch(self, info: ModelInfo, file: RemoteFile, partial: Path) -> None:
        """Go on where `partial` ends, until it is as long as the file."""
        if _begin(partial, file.size):
            return

        def headers() -> dict[str, str]:
            # Compressed on the way, a range would count other bytes than those of the file.
            begun = _size(partial)
            return {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begun}-"} if begun else {})

        async def write(response: httpx.Response) -> None:
            with partial.open("ab") as out:
                await self._append(response, file, out)

        path = f"{info.model_id}/resolve/{info.revision}/{quote(file.name)}"
        await self._client.receive(path, headers, write, 416)

    async def _append(self, response: httpx.Response, file: RemoteFile, out: BinaryIO) -> None:
        begun = out.tell()
        if not _continues(response, begun):
            out.truncate(0)
            begun = 0
        if response.status_code == 416:
            raise CutOffError(f"the hub cannot go on with {file.name}")
        received = metrics.EXTERNAL_BYTES.labels(self._client.settings.system)
        async for piece in response.aiter_raw():
            if begun + len(piece) > file.size:
                out.truncate(0)
                raise self._invalid(f"sent more of {file.name} than the {file.size} bytes it named - try again later")
            begun += out.write(piece)
            received.inc(len(piece))
        if begun < file.size:
            raise CutOffError(f"{file.name} ended after {begun} of {file.size} bytes")

    def _invalid(self, what: str) -> ExternalSystemError:
        system = self._client.settings.system
        return InvalidAnswerError(system, f"{system} {what}")


def check_id(model_id: str) -> None:
    """Raises InferenceError."""
    if not MODEL_ID.fullmatch(model_id) or ".." in model_id or "--" in model_id:
        raise InferenceError(f"{model_id!r} is no name of a model on a hub - write for example organisation/model")


def _missing(folder: Path, files: Sequence[RemoteFile]) -> list[RemoteFile]:
    """What is not there, or not with the size and digest that it must have."""
    return [file for file in files if not file.is_at(folder / file.name)]


def _continues(response: httpx.Response, begun: int) -> bool:
    """Whether the body begins where the file here ends; a server may ignore the range and send everything."""
    return response.status_code == 206 and response.headers.get("content-range", "").startswith(f"bytes {begun}-")


def _begin(partial: Path, size: int) -> bool:
    """Make the partial file ready to be appended to; whether it is as long as the file already."""
    partial.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("ab") as out:
        if out.tell() > size:
            out.truncate(0)
        return out.tell() == size


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
