"""Merkle trees as RFC 6962 hashes them (section 2.1), grown leaf by leaf; memory grows with the logarithm alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field


def leaf_hash(data: bytes) -> bytes:
    """Of one entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class MerkleTree:
    """`size` leaves, of which the roots of the largest complete subtrees are kept, from the left."""

    size: int = 0
    roots: list[bytes] = field(default_factory=list)

    def add(self, data: bytes) -> None:
        """One entry more."""
        added, size = leaf_hash(data), self.size
        while size & 1:
            added, size = node_hash(self.roots.pop(), added), size >> 1
        self.roots.append(added)
        self.size += 1

    @property
    def root(self) -> bytes:
        """Of all of it; of none, the hash of nothing."""
        if not self.roots:
            return hashlib.sha256().digest()
        found = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            found = node_hash(left, found)
        return found


def siblings(index: int, size: int) -> list[range]:
    """The subtrees whose roots prove that an entry is in a tree: of which entries each is, the lowest first."""
    if size <= 1:
        return []
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        return [*siblings(index, left), range(left, size)]
    return [*(range(one.start + left, one.stop + left) for one in siblings(index - left, size - left)), range(left)]


class InclusionPath:
    """The audit path of RFC 6962 (section 2.1.1) of one entry, in one pass over all entries of the tree, in order."""

    def __init__(self, index: int, size: int) -> None:
        self._wanted = siblings(index, size)
        self._trees = {one: MerkleTree() for one in self._wanted}
        self._in_order = sorted(self._wanted, key=lambda one: one.start, reverse=True)
        self.size = 0

    def add(self, data: bytes) -> None:
        """The next entry."""
        while self._in_order and self.size >= self._in_order[-1].stop:
            self._in_order.pop()
        if self._in_order and self.size in self._in_order[-1]:
            self._trees[self._in_order[-1]].add(data)
        self.size += 1

    @property
    def hashes(self) -> list[bytes]:
        """The lowest sibling first, once all entries were added."""
        return [self._trees[one].root for one in self._wanted]


def root_of(index: int, size: int, data: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that an entry and its audit path lead to; None where the path is of another length."""
    found, sides = leaf_hash(data), [one.start < index for one in siblings(index, size)]
    if len(sides) != len(path) or not 0 <= index < size:
        return None
    for is_left, other in zip(sides, path, strict=True):
        found = node_hash(other, found) if is_left else node_hash(found, other)
    return found
