"""Which files hold which documents, as lines or parts of them: of a document in several files the last one counts."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path


class Holding:
    """Files are ordered as a fresh ingest reads them."""

    def __init__(self, stored: Iterable[tuple[Path, str]]) -> None:
        """`stored`: documents, each with the file that it was read from."""
        self._documents: dict[Path, set[str]] = {}
        self._files: dict[str, set[Path]] = {}
        for path, document_id in stored:
            self.add(path, (document_id,))

    @property
    def files(self) -> Collection[Path]:
        """Those that hold any."""
        return self._documents.keys()

    def of(self, path: Path) -> frozenset[str]:
        """What this file holds."""
        return frozenset(self._documents.get(path, ()))

    def is_held(self, document_id: str) -> bool:
        """Whether any file holds it."""
        return document_id in self._files

    def add(self, path: Path, documents: Iterable[str]) -> None:
        """This file holds these, too."""
        for one in documents:
            self._documents.setdefault(path, set()).add(one)
            self._files.setdefault(one, set()).add(path)

    def remove(self, path: Path, documents: Iterable[str]) -> None:
        """This file holds these no more."""
        for one in documents:
            self._documents.get(path, set()).discard(one)
            self._files.get(one, set()).discard(path)
            if not self._files.get(one):
                self._files.pop(one, None)
        if not self._documents.get(path):
            self._documents.pop(path, None)

    def forget(self, documents: Iterable[str]) -> None:
        """No file holds these."""
        for one in documents:
            for path in tuple(self._files.get(one, ())):
                self.remove(path, (one,))

    def last(self, document_id: str, order: Mapping[Path, int]) -> Path | None:
        """Of the files that hold it the last one."""
        return max(self._files.get(document_id, ()), key=lambda path: order.get(path, -1), default=None)
