"""Trees hash as RFC 6962 has it, however they grow; a path leads to the root from its own entry alone."""

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from security.merkle import InclusionPath, MerkleTree, leaf_hash, node_hash, root_of, siblings

ENTRIES = st.lists(st.binary(max_size=4), min_size=1, max_size=40)


def naive(entries: Sequence[bytes]) -> bytes:
    """Section 2.1, word for word."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    left = 1
    while 2 * left < len(entries):
        left *= 2
    return node_hash(naive(entries[:left]), naive(entries[left:]))


def tree_of(entries: Sequence[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for entry in entries:
        tree.add(entry)
    return tree


def test_known_roots() -> None:
    """Of Certificate Transparency's own tests."""
    entries = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    assert tree_of([]).root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree_of(entries[:1]).root.hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree_of(entries[:2]).root.hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert tree_of(entries).root.hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


@given(ENTRIES)
def test_a_tree_that_grew_has_the_root_of_the_definition(entries: list[bytes]) -> None:
    tree = tree_of(entries)
    assert (tree.root, tree.size) == (naive(entries), len(entries))
    assert len(tree.roots) == len(entries).bit_count()


@given(st.data(), ENTRIES)
def test_a_path_proves_its_own_entry_and_no_other(data: st.DataObject, entries: list[bytes]) -> None:
    size = len(entries)
    index = data.draw(st.integers(0, size - 1))
    path = InclusionPath(index, size)
    for entry in entries:
        path.add(entry)
    root = naive(entries)
    assert root_of(index, size, entries[index], path.hashes) == root
    assert root_of(index, size, entries[index] + b"x", path.hashes) != root
    assert root_of(index, size, entries[index], [*path.hashes, root]) is None
    assert root_of(size, size, entries[index], path.hashes) is None
    covered = sorted([*siblings(index, size), range(index, index + 1)], key=lambda one: one.start)
    assert [number for one in covered for number in one] == list(range(size))
