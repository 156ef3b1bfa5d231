"""What a reader is given beside the bytes, and how it has a part of a file read (an attachment, a record)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from inference.formats.document import Read
from inference.formats.encodings import Decoded, decode

MAX_DEPTH = 4
"""Files within files."""

ReadPart = Callable[[bytes, "ReadContext"], Iterator[Read]]


@dataclass(frozen=True, slots=True)
class ReadContext:
    """`name`: the file's, as a hint for what content alone does not tell (CSV, Markdown, source code), and as title.

    `encoding`: what text is to be decoded by, where somebody said so. `archives`: whether these are opened. `depth`: in
    how many files this one lies.
    """

    name: str
    read_any: ReadPart
    encoding: str | None = None
    archives: bool = False
    depth: int = 0

    @property
    def suffix(self) -> str:
        """Of the name, in lower case, with its point."""
        return os.path.splitext(self.name)[1].lower()

    def decode(self, raw: bytes, declared: str | None = None) -> Decoded:
        """As somebody said, else as the file itself declares if that is right, else as found."""
        if self.encoding is None and declared is not None:
            try:
                return decode(raw, declared)
            except Exception:
                pass
        return decode(raw, self.encoding)

    def read_part(self, raw: bytes, name: str, part: str) -> Iterator[Read]:
        """What a file within this one holds; each named as a part of it."""
        inner = replace(self, name=name, encoding=None, depth=self.depth + 1)
        for found in self.read_any(raw, inner):
            yield replace(found, part=f"{part}/{found.part}" if found.part else part)
