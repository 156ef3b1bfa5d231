"""What a look at a folder means for the documents of it that are stored. Pure: times are given."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from annals.watching.holding import Holding
from annals.watching.scan import Scan, Signature

QUIET_S = 1.0
"""A file that did not change for so long is whole; one that is missing for so long is gone."""
MOST_S = 60.0
"""A file that goes on changing is read all the same after so long."""


@dataclass(frozen=True, slots=True)
class Due:
    """`read`: files to be read, by real path, with their names here. `gone`: files that are no more."""

    read: tuple[tuple[Path, Path], ...]
    gone: tuple[Path, ...]


@dataclass(slots=True)
class _Changing:
    """A file with content that was not read yet: since when it is as it is, and since when it changes."""

    signature: Signature
    since: float
    first: float


class FolderChanges:
    """Remembers, as long as it lives, how each file was when it was read; what is stored it is told."""

    def __init__(self, stored: Iterable[tuple[Path, str]]) -> None:
        """`stored`: the documents of the folder, each with the file that it was read from."""
        self._holding = Holding(stored)
        self._order: dict[Path, int] = {}
        self._read: dict[Path, Signature] = {}
        self._changing: dict[Path, _Changing] = {}
        self._missing: dict[Path, float] = {}
        self._again: set[Path] = set()

    @property
    def files(self) -> Collection[Path]:
        """Those of which documents are stored."""
        return self._holding.files

    @property
    def is_quiet(self) -> bool:
        """Whether nothing changes that would be due soon."""
        return not self._changing and not self._missing and not self._again

    def due(self, found: Scan, *, now: float, wall: float) -> Due:
        """What is to be done after this look. `now`: of a clock that only goes forward; `wall`: of the wall clock."""
        self._order = {path: number for number, path in enumerate(found.files)}
        self._again.clear()
        for path in self._changing.keys() - found.files.keys():
            del self._changing[path]
        for path in self._read.keys() - found.files.keys():
            # Should it come back, it is read again.
            del self._read[path]
        read = [(path, name) for path, (name, state) in found.files.items() if self._is_due(path, state, now, wall)]
        for path in self._missing.keys() - found.gone:
            del self._missing[path]
        gone = [path for path in sorted(found.gone) if now - self._missing.setdefault(path, now) >= QUIET_S]
        return Due(tuple(read), tuple(gone))

    def was_read(self, path: Path, before: Signature, after: Signature | None, now: float) -> bool:
        """Whether the file was the same before and after it was read; else it is read again once it is quiet."""
        if before == after or (path in self._changing and now - self._changing[path].first >= MOST_S):
            self._read[path] = before
            self._changing.pop(path, None)
            return before == after
        return False

    def took(
        self, path: Path, documents: Collection[str], kept: Collection[str] = (), *, all_of_it: bool
    ) -> tuple[str, ...]:
        """Documents of this file are stored, and those `kept` are let alone. Returned is what else it held, where that
        is all of it.
        """
        others = self._holding.of(path) - set(documents) - set(kept) if all_of_it else frozenset()
        self._holding.add(path, documents)
        self._holding.remove(path, others)
        # Of the same document in several files a fresh ingest takes the last one.
        self._read_again(documents, besides=path)
        return tuple(sorted(others))

    def without_file(self, documents: Collection[str]) -> tuple[str, ...]:
        """Of documents that a file holds no more those that no file holds; of the others the file is read again."""
        self._read_again(documents)
        return tuple(one for one in dict.fromkeys(documents) if not self._holding.is_held(one))

    def let_go(self, gone: Collection[Path]) -> tuple[str, ...]:
        """What these files held that are no more, and no file holds now."""
        held = {path: self._holding.of(path) for path in gone}
        for path, documents in held.items():
            self._holding.remove(path, documents)
            self._missing.pop(path, None)
        return self.without_file([one for path in gone for one in sorted(held[path])])

    def deleted(self, documents: Collection[str]) -> None:
        """These are stored no more."""
        self._holding.forget(documents)

    def _read_again(self, documents: Collection[str], besides: Path | None = None) -> None:
        last = {self._holding.last(one, self._order) for one in documents}
        for path in last - {None, besides}:
            assert path is not None
            self._read.pop(path, None)
            self._again.add(path)

    def _is_due(self, path: Path, state: Signature, now: float, wall: float) -> bool:
        if self._read.get(path) == state:
            self._changing.pop(path, None)
            return False
        changing = self._changing.get(path)
        if changing is None:
            changing = self._changing[path] = _Changing(state, now, now)
        elif changing.signature != state:
            changing.signature, changing.since = state, now
        return wall - state.newest_s >= QUIET_S or now - changing.since >= QUIET_S or now - changing.first >= MOST_S
