"""What people correct in chunks: other bounds, one made of several, and that undone."""

import random

from hypothesis.stateful import precondition, rule

from tests.faults.cutting import Cut, Piece
from tests.faults.driving import DOCUMENTS, Driver, documents, id_of, seeds, tenants
from tests.faults.world import caller

STRANGE = 6
"""One chunk in so many is one that is not there any more."""


class ChunkSteps(Driver):
    """On chunks that are there, or that were."""

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, document=documents, seed=seeds)
    def correct_chunk(self, tenant: str, document: str, seed: int) -> None:
        """Give one other bounds, which may be none."""
        cut, chance = self._cut(tenant, document), random.Random(seed)
        if cut is not None:
            piece = self._some(cut, chance)
            text = cut.told.text
            points = sorted({0, len(text), len(text) + 1, *(at for at, one in enumerate(text) if one in " .")})
            others = [old for one in cut.pieces for old in (one, *one.instead)]
            start = chance.choice((piece.start, chance.choice(points), (other := chance.choice(others)).start))
            end = chance.choice((piece.end, chance.choice(points), other.end))
            correcting = self.world.chunks.update(
                caller(tenant), piece.chunk, start=start, end=end, deadline=self._deadline()
            )
            done = self._try(correcting)
            possible = piece in cut.pieces and 0 <= start < end <= len(text) and bool(text[start:end].strip())
            assert (done is not None) == possible, f"{start} to {end} of {piece}"
            assert done is None or done.id == cut.make([piece], start, end)
        self._end_step("correct a chunk", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, document=documents, seed=seeds)
    def merge_chunks(self, tenant: str, document: str, seed: int) -> None:
        """Make one of several, which may be too few, lie apart, or be of two documents."""
        cut, chance = self._cut(tenant, document), random.Random(seed)
        if cut is not None:
            at, count = chance.randrange(len(cut.pieces)), chance.randint(1, 3)
            gone = cut.pieces[at : at + count] if chance.randrange(STRANGE) else [self._some(cut, chance), *cut.pieces]
            other = self._cut(tenant, chance.choice(DOCUMENTS))
            foreign = [] if other is None or other is cut or chance.randrange(STRANGE) else other.pieces[:1]
            named = [one.chunk for one in (*gone, *foreign)]
            chance.shuffle(named)
            done = self._try(self.world.chunks.merge(caller(tenant), named, deadline=self._deadline()))
            possible = len(set(named)) == len(named) > 1 and not foreign and all(one in cut.pieces for one in gone)
            start, end = min(one.start for one in gone), max(one.end for one in gone)
            between = [one for one in cut.pieces if start <= one.start and one.end <= end and one not in gone]
            assert (done is not None) == (possible and not between), f"{named} of {cut.pieces}"
            assert done is None or done.id == cut.make(gone, start, end)
        self._end_step("merge chunks", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, document=documents, seed=seeds)
    def undo_chunks(self, tenant: str, document: str, seed: int) -> None:
        """A correction, also one that waits for its text; or one that nobody made."""
        cut, chance = self._cut(tenant, document), random.Random(seed)
        if cut is not None:
            made = [one.piece.chunk for one in cut.corrections] if chance.randrange(STRANGE) else []
            own = chance.choice(made or [one.chunk for one in cut.pieces])
            done = self._try(self.world.chunks.undo(caller(tenant), own, deadline=self._deadline()))
            assert (done is not None) == cut.can_undo(own)
            if done is not None:
                cut.undo(own)
        self._end_step("undo of chunks", True, seed)

    def _cut(self, tenant: str, document: str) -> Cut | None:
        """Of a document that is there."""
        plain, own = self.plain[tenant], id_of(tenant, document)
        return plain.cuts[own] if own in plain.told else None

    @staticmethod
    def _some(cut: Cut, chance: random.Random) -> Piece:
        """One that is there, or one whose place another took, and not one that was made of itself."""
        there = cut.ids()
        gone = [old for one in cut.pieces for old in one.instead if old.chunk not in there]
        return chance.choice(cut.pieces if chance.randrange(STRANGE) or not gone else gone)
