"""Following a folder: what a fresh ingest of it would take in is what is stored of it, now and from now on.

The operating system's events are hints; what is true, a look at the whole folder tells. What was stored of it, the log
tells at the start, so that what happened while nobody followed is made good.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from annals.folders import LeftOut, printable
from annals.loading import Loaded, Loader, LoadOptions, Refused
from annals.stored import Stored
from annals.watching.changes import QUIET_S, FolderChanges
from annals.watching.hints import Hints
from annals.watching.scan import Scan, Signature, file_of_document, scan, signature
from contracts.batches import batches
from inference.formats.child import FileReader

RESCAN_S = 60.0
"""A look without a hint, for those that were lost."""
POLL_S = 5.0
"""Where the system gives no hints."""
LONGEST_PAUSE_S = 30.0
BATCH = 100
BATCH_SIZE = 8 * 1024 * 1024
"""Documents that are stored at once, and characters of their texts."""
MOST_DELETED = 500
GONE, NO_MORE = "its file is gone", "its file holds it no more"

Item = TypeVar("Item")
Tell = Callable[..., None]
"""Is told what happened: a word, and what belongs to it by name."""


@dataclass(frozen=True, slots=True)
class _End:
    """Of a file: how it was before and after it was read; `after` is None where it is gone."""

    before: Signature
    after: Signature | None


@dataclass(slots=True)
class _FileSoFar:
    """`kept`: documents of it that are let alone, as what they are now cannot be taken. `refused`: so are all of it."""

    documents: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    refused: bool = False


class FolderFollower:
    """One folder, until it is cancelled."""

    def __init__(self, folder: Path, options: LoadOptions, stored: Stored, tell: Tell) -> None:
        self._folder = folder
        self._root = folder.resolve()
        self._options = options
        self._stored = stored
        self._tell = tell
        self._named: frozenset[tuple[str, str]] = frozenset()
        self._device: int | None = None
        self._reader = FileReader(options.limits)
        self._ended = False
        self._acted = True

    async def follow(self) -> None:
        """Raises WrongPatternError, and what storing raises."""
        below = [
            *await self._stored.below(f"{str(self._root).rstrip('/')}/"),
            *await self._stored.lines_below(f"{self._root.as_uri().rstrip('/')}/"),
        ]
        found = [(file_of_document(one, self._root), one.document_id) for one in below]
        changes = FolderChanges((path, document_id) for path, document_id in found if path is not None)
        hints = Hints(lambda why: self._tell("no_hints", reason=why, seconds=POLL_S))
        try:
            while True:
                began = time.monotonic()
                look = await asyncio.to_thread(scan, self._folder, self._options.selection, list(changes.files))
                took_s = time.monotonic() - began
                others = await hints.follow(look.folders)
                await self._act(look, changes)
                moves = look.device is not None and not changes.is_quiet
                await asyncio.sleep(min(took_s, LONGEST_PAUSE_S))
                rest = RESCAN_S if hints.works and look.device is not None else POLL_S
                await hints.wait(0.1 if others else QUIET_S / 2 if moves else rest)
        finally:
            self._reader.close()
            await hints.close()

    async def _act(self, look: Scan, changes: FolderChanges) -> None:
        if self._is_elsewhere(look, changes):
            return
        due = changes.due(look, now=time.monotonic(), wall=time.time())
        self._acted = self._acted or bool(due.read or due.gone)
        # What is new first: of a file that was moved, one of both is there at any time.
        await self._read(due.read, look, changes)
        await self._delete(changes.let_go(due.gone), GONE, changes)
        if changes.is_quiet and self._acted:
            self._acted = False
            self._tell("current", files=len(look.files))

    def _is_elsewhere(self, look: Scan, changes: FolderChanges) -> bool:
        """Whether what is seen may be no more than the place where the folder is mounted. Names what is wrong."""
        faults = {(printable(one.path), one.reason) for one in look.unreadable}
        why = self._why_elsewhere(look, changes)
        if why is None:
            self._device = look.device
        else:
            faults.add((printable(self._folder), why))
        for name, reason in sorted(faults - self._named):
            self._tell("unreadable", name=name, reason=reason)
        self._named = frozenset(faults)
        return why is not None

    def _why_elsewhere(self, look: Scan, changes: FolderChanges) -> str | None:
        if look.device is None:
            return "is not there, or cannot be read; nothing is deleted"
        if self._device is None and look.is_empty and changes.files:
            return f"is empty, with {len(changes.files)} files of it stored; nothing is deleted until a file is in it"
        if self._device not in (None, look.device):
            return "is on another device than before; nothing is deleted"
        return None

    async def _read(self, due: Sequence[tuple[Path, Path]], look: Scan, changes: FolderChanges) -> None:
        files = {path: _FileSoFar() for path, _ in due}
        no_more: list[str] = []
        found = batches(self._found(due, look), _size, max_items=BATCH, max_bytes=BATCH_SIZE)
        while some := await self._in_thread(found):
            documents = [(path, one) for path, one in some if isinstance(one, Loaded)]
            outcomes = iter(await self._stored.take([one for _, one in documents]) if documents else ())
            for path, one in some:
                file = files[path]
                match one:
                    case LeftOut():
                        self._tell("left_out", name=one.name, reason=one.why or one.reason)
                    case Refused():
                        self._refuse(one, file)
                    case Loaded():
                        self._took(one, next(outcomes), path, file)
                    case _End():
                        whole = changes.was_read(path, one.before, one.after, time.monotonic())
                        no_more += changes.took(path, file.documents, file.kept, all_of_it=whole and not file.refused)
        # By now one that went from file to file is known to be there.
        await self._delete(changes.without_file(no_more), NO_MORE, changes)

    def _found(
        self, due: Sequence[tuple[Path, Path]], look: Scan
    ) -> Iterator[tuple[Path, Loaded | Refused | LeftOut | _End]]:
        loader = Loader(self._reader, self._options)
        for path, name in due:
            if self._ended:
                return
            for one in loader.from_file(name):
                yield path, one
            try:
                after = signature(path)
            except OSError:
                after = None
            yield path, _End(look.files[path][1], after)

    def _took(self, one: Loaded, outcome: str | Refused, path: Path, file: _FileSoFar) -> None:
        if isinstance(outcome, Refused):
            self._refuse(replace(outcome, document_id=one.document_id), file)
            return
        if outcome != "unchanged":
            self._tell(outcome, name=one.name, document_id=one.document_id)
        for warning in one.warnings:
            self._tell("warning", name=one.name, reason=warning)
        # A link in the folder may lead to a file elsewhere.
        if file_of_document(one, self._root) == path:
            file.documents.append(one.document_id)

    def _refuse(self, one: Refused, file: _FileSoFar) -> None:
        # Of what cannot be read the last that could be is kept; what is empty says that there is nothing.
        if not one.is_blank and one.document_id is not None:
            file.kept.append(one.document_id)
        file.refused = file.refused or not (one.is_blank or one.document_id is not None)
        self._tell("refused", name=one.name, reason=one.reason)

    async def _delete(self, documents: Sequence[str], reason: str, changes: FolderChanges) -> None:
        for start in range(0, len(documents), MOST_DELETED):
            some = documents[start : start + MOST_DELETED]
            await self._stored.delete(some, reason)
            changes.deleted(some)
            for document_id in some:
                self._tell("deleted", document_id=document_id, reason=reason)

    async def _in_thread(self, found: Iterator[Item]) -> Item | None:
        """The next one. Whoever is cancelled ends the reading first."""
        reading = asyncio.get_running_loop().run_in_executor(None, next, found, None)
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            self._ended = True
            self._reader.interrupt()
            await asyncio.wait([reading])
            raise


def _size(found: tuple[Path, Loaded | Refused | LeftOut | _End]) -> int:
    one = found[1]
    return one.size if isinstance(one, Loaded) else 0
