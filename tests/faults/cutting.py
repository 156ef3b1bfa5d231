"""What people made of a document's chunks: chunks that took the place of others, and what is found in each."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from contracts.ids import chunk_id
from inference.model import digest_of
from tests.faults.told import Told, Triple, triple_in

_NAME = re.compile(r"[A-Z]\w*")


@dataclass(frozen=True)
class Piece:
    """A chunk: `text[start:end]`, with the names and the statements that are found in it, each with where it starts
    and ends in the document.

    `instead`: the chunks whose place it took.
    """

    chunk: str
    start: int
    end: int
    names: tuple[tuple[str, int, int], ...]
    stated: tuple[tuple[Triple, int, int], ...]
    instead: tuple["Piece", ...] = ()

    def covers(self, start: int, end: int) -> bool:
        """Whether this lies within it."""
        return self.start <= start and end <= self.end


@dataclass(frozen=True)
class Correction:
    """Somebody made `piece`, with this text. `holds`: the present content has it; else it waits for its text."""

    piece: Piece
    text: str
    holds: bool = True


@dataclass
class Cut:
    """One document's chunks, and what people corrected in them, the last behind.

    `events`: those that made a chunk, in this content and in earlier ones, by its id.
    """

    tenant: str
    document_id: str
    told: Told
    pieces: list[Piece] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    events: dict[str, set[UUID]] = field(default_factory=dict)

    def take(self, told: Told) -> None:
        """This content comes: chunks as they are made, corrections wait until it is processed."""
        self.told, self.pieces, start = told, [], 0
        self.corrections = [replace(one, holds=False) for one in self.corrections]
        for sentence in told.sentences:
            own = chunk_id(self.tenant, self.document_id, digest_of(sentence), 0)
            names = tuple((one[0], start + one.start(), start + one.end()) for one in _NAME.finditer(sentence))
            triple, end = triple_in(sentence), start + len(sentence)
            stated = () if triple is None else ((triple, start, end - 1),)
            self.pieces.append(Piece(own, start, end, names, stated))
            start = end + 1

    def make(self, gone: Sequence[Piece], start: int, end: int) -> str:
        """One chunk instead of others; returns its id."""
        text, occurrence = self.told.text[start:end], 0
        kept = self.ids() - {one.chunk for one in gone}
        while (own := chunk_id(self.tenant, self.document_id, digest_of(text), occurrence)) in kept:
            occurrence += 1
        self._put(own, gone, start, end)
        return own

    def processed(self) -> None:
        """Whatever waits and is found again holds again."""
        for one in [one for one in self.corrections if not one.holds]:
            start = self._start_of(one)
            if start is not None:
                gone, at = start
                if one.piece.chunk not in self.ids() - {other.chunk for other in gone}:
                    self._put(one.piece.chunk, gone, at, at + len(one.text))

    def can_undo(self, own: str) -> bool:
        """Whether somebody made this chunk, nobody made others of it, and no other one has the id of what it was."""
        made = [one for one in self.corrections if one.piece.chunk == own]
        if not made or not made[-1].holds:
            return bool(made)
        there = self.ids()
        return own in there and not (there - {own}) & {one.chunk for one in made[-1].piece.instead}

    def undo(self, own: str) -> None:
        """What it was is there again, as it was; nobody made it."""
        last = [one for one in self.corrections if one.piece.chunk == own][-1]
        if last.holds:
            there = next(one for one in self.pieces if one.chunk == own)
            self.pieces = self._sorted([*(one for one in self.pieces if one.chunk != own), *there.instead])
        self.corrections = [one for one in self.corrections if one.piece.chunk != own]
        self.events.pop(own, None)

    def made_by(self, event: UUID) -> str | None:
        """Which chunk this event made, or made again, unless that was undone."""
        return next((one for one, events in self.events.items() if event in events), None)

    def ids(self) -> set[str]:
        """Of the chunks that are there."""
        return {one.chunk for one in self.pieces}

    def _put(self, own: str, gone: Collection[Piece], start: int, end: int) -> None:
        piece = Piece(own, start, end, (), (), tuple(gone))
        piece = replace(
            piece,
            names=tuple(one for old in gone for one in old.names if piece.covers(*one[1:])),
            stated=tuple(one for old in gone for one in old.stated if piece.covers(*one[1:])),
        )
        self.pieces = self._sorted([*(one for one in self.pieces if one not in gone), piece])
        kept = [one for one in self.corrections if one.holds or one.piece.chunk != own]
        self.corrections = [*kept, Correction(piece, self.told.text[start:end])]

    def _start_of(self, one: Correction) -> tuple[list[Piece], int] | None:
        """The chunks whose place it takes, and where it starts: where those are that it replaced, else by its text."""
        text, there = self.told.text, {piece.chunk: piece for piece in self.pieces}
        old = one.piece.instead
        moved = {there[gone.chunk].start - gone.start if gone.chunk in there else None for gone in old}
        by = moved.pop() if len(moved) == 1 else None
        if by is not None:
            start = one.piece.start + by
            if start >= 0 and text[start : start + len(one.text)] == one.text:
                return [there[gone.chunk] for gone in old], start
        start = text.find(one.text)
        within = [piece for piece in self.pieces if start <= piece.start and piece.end <= start + len(one.text)]
        return (within, start) if start >= 0 and within else None

    @staticmethod
    def _sorted(pieces: Collection[Piece]) -> list[Piece]:
        return sorted(pieces, key=lambda one: (one.start, one.end))
