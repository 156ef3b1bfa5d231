"""A set of ids of which there may be a million, for a state that only has to know which are there and how many."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class IdSet:
    """Each id as the 64 bits of its hash: 8 bytes instead of 100. Never stored, for hashes are a process's own.

    Two different ids out of a million are taken for one with a probability of 3e-8.
    """

    blocks: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, ids: Iterable[str]) -> "IdSet":
        """The set of these."""
        return cls((np.unique(_hashes(ids)).tobytes(),))

    def union(self, other: "IdSet") -> "IdSet":
        """Those of both. What both have takes its 8 bytes twice, until `compact`."""
        return IdSet(self.blocks + other.blocks)

    def compact(self) -> "IdSet":
        """The same set, each id once."""
        return IdSet((np.unique(_array(self.blocks)).tobytes(),))

    def __contains__(self, one: str) -> bool:
        return any(np.isin(_hashes([one]), _array([block])).item() for block in self.blocks)

    @property
    def count(self) -> int:
        """How many."""
        return int(np.unique(_array(self.blocks)).size)


NO_IDS = IdSet()


def _hashes(ids: Iterable[str]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.fromiter(map(hash, ids), np.int64)


def _array(blocks: Iterable[bytes]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.frombuffer(b"".join(blocks), np.int64)
