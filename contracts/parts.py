"""A stage's result as one event or, where it is too large for one, as several: its parts."""

import zlib
from collections.abc import Sequence
from typing import TypeVar

from pydantic_core import from_json

from contracts import limits
from contracts.documents import StageResult
from contracts.lazy_sequence import LazySequence
from contracts.payload import ManyPart
from contracts.unvalidated import build_unvalidated

Result = TypeVar("Result", bound=StageResult)


class PartsBuilder:
    """Takes a result's items one by one and holds those of one part; the parts before it are kept compressed.

    A million mentions, which would be 450 MiB as objects, take some 20 MiB.
    """

    def __init__(self, empty: StageResult) -> None:
        """`empty` is the result without its items."""
        self._empty = empty
        self._full: list[bytes] = []
        self._items: dict[str, list[ManyPart]] = {name: [] for name in empty.item_fields}
        self._bytes = 0

    def add(self, field: str, item: ManyPart) -> None:
        """Of the fields that hold items, the result's own order stays within each."""
        size = len(item.model_dump_json()) + 1
        if self._bytes and self._bytes + size > limits.PART_BYTES:
            self._full.append(zlib.compress(self._present().model_dump_json().encode(), 1))
            self._items, self._bytes = {name: [] for name in self._items}, 0
        self._items[field].append(item)
        self._bytes += size

    def parts(self) -> Sequence[StageResult]:
        """Of at most PART_BYTES of items each, in order, at least one. Each is made when asked for."""
        last = self._present()
        if not self._full:
            return (last,)
        count = len(self._full) + 1

        def part(index: int) -> StageResult:
            own = last if index == count - 1 else self._read(self._full[index])
            return own.model_copy(update={"part": index + 1, "parts": count})

        return LazySequence(count, part)

    def _present(self) -> StageResult:
        return self._empty.model_copy(update={name: tuple(items) for name, items in self._items.items()})

    def _read(self, compressed: bytes) -> StageResult:
        return build_unvalidated(type(self._empty), from_json(zlib.decompress(compressed)))


def split(result: StageResult) -> Sequence[StageResult]:
    """A whole result as parts; a small one stays as it is."""
    builder = PartsBuilder(result.model_copy(update=dict.fromkeys(result.item_fields, ())))
    for name in result.item_fields:
        for item in getattr(result, name):
            builder.add(name, item)
    parts = builder.parts()
    return parts if len(parts) > 1 else (result,)


def collect(earlier: Sequence[Result], part: Result) -> tuple[tuple[Result, ...], Result | None]:
    """Add the next part to those before it: what is collected so far, and the whole result once that was the last."""
    collected = (part,) if part.part == 1 else (*earlier, part)
    if not part.is_last:
        return collected, None
    return (), _joined(collected)


def _joined(parts: Sequence[Result]) -> Result:
    if len(parts) == 1:
        return parts[0]
    items = {name: tuple(item for part in parts for item in getattr(part, name)) for name in parts[0].item_fields}
    return parts[0].model_copy(update={**items, "part": 1, "parts": 1})
