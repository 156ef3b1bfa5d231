"""Where models from a hub lie on this machine.

<folder>/<organisation>--<model>/<commit>/...        the files, whole and checked
<folder>/<organisation>--<model>/<commit>.json       the manifest: every file of the commit, with its digest
<folder>/<organisation>--<model>/refs/<branch>       the commit that a branch or tag was last seen at
<folder>/<organisation>--<model>/partial/<digest>-... what a cut download left, to go on from
<folder>/<organisation>--<model>/.lock               held by the one process that downloads
"""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from inference.external.hub_listing import COMMIT, ModelInfo, RemoteFile, as_answer, read_info
from inference.model import InferenceError

LOCK_POLL_S = 0.1


class ModelCache:
    """The files of one model."""

    def __init__(self, folder: Path, model_id: str) -> None:
        self._model_id = model_id
        # A hub's names have no "--", so two models never share a folder.
        self._root = folder / model_id.replace("/", "--")

    def folder(self, revision: str) -> Path:
        """Where the files of a commit lie."""
        return self._root / revision

    def partial(self, file: RemoteFile) -> Path:
        """Where a download gathers. Other content has another name, so a file that changed begins anew."""
        return self._root / "partial" / f"{file.digest}-{quote(file.name, safe='')}"

    def commit_of(self, revision: str) -> str | None:
        """The commit itself, or where a branch or tag was last seen."""
        if COMMIT.fullmatch(revision):
            return revision
        try:
            seen = self._ref(revision).read_text()
        except OSError:
            return None
        return seen if COMMIT.fullmatch(seen) else None

    def info(self, commit: str) -> ModelInfo | None:
        """What the manifest says of a commit, if there is one that can be read."""
        try:
            return read_info(self._model_id, json.loads(self._manifest(commit).read_text()))
        except (OSError, ValueError):
            return None

    def keep_info(self, revision: str, info: ModelInfo) -> None:
        """Write the manifest, and where the branch or tag is, where that is news: the folder may be read-only."""
        if self.info(info.revision) != info:
            _write(self._manifest(info.revision), json.dumps(as_answer(info), indent=1))
        if self.commit_of(revision) != info.revision:
            _write(self._ref(revision), info.revision)

    def put(self, commit: str, file: RemoteFile) -> None:
        """A whole and checked download takes its place in one step."""
        target = self.folder(commit) / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.partial(file), target)

    @asynccontextmanager
    async def locked(self, limit_s: float) -> AsyncIterator[None]:
        """Only one process, and one task, at a time is in here. Raises InferenceError."""
        self._root.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            end = time.monotonic() + limit_s
            while not _try_lock(handle):
                if time.monotonic() >= end:
                    raise InferenceError(
                        f"another process still downloads {self._model_id} after {limit_s:.0f} s"
                        " - try again when it is done"
                    )
                await asyncio.sleep(LOCK_POLL_S)
            yield
        finally:
            # The system lets go of the lock with the last handle, also of a process that was killed.
            os.close(handle)

    def _manifest(self, commit: str) -> Path:
        return self._root / f"{commit}.json"

    def _ref(self, revision: str) -> Path:
        return self._root / "refs" / quote(revision, safe="")


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{uuid4().hex}.new")
    beside.write_text(text)
    os.replace(beside, path)
