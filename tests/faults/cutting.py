"""What people made of a document's chunks: chunks that took the place of others, and what is found in each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from contracts.ids import chunk_id
from inference.model import digest_of
from tests.faults.reading import Found, read, together
from tests.faults.told import Told


@dataclass(frozen=True)
class Piece:
    """A chunk: `text[start:end]`, with what is found in it, by each model of entities that read the document.

    `instead`: the chunks whose place it took.
    """

    chunk: str
    start: int
    end: int
    found: Mapping[str, Found] = field(default_factory=dict)
    instead: tuple["Piece", ...] = ()

    def reread(self, model: str, found: Found) -> "Piece":
        """This model finds that in it; were those there again whose place it took, they would hold as much of it as
        they cover.
        """
        instead = tuple(one.reread(model, found.within(one.start, one.end)) for one in self.instead)
        return replace(self, found={**self.found, model: found}, instead=instead)


@dataclass(frozen=True)
class Correction:
    """Somebody made `piece`, with this text. `holds`: the present content has it; else it waits for its text."""

    piece: Piece
    text: str
    holds: bool = True


@dataclass
class Cut:
    """One document's chunks, and what people corrected in them, the last behind.

    `first`: the model of entities that read this content as it came. `events`: those that made a chunk, in this
    content and in earlier ones, by its id.
    """

    tenant: str
    document_id: str
    told: Told
    first: str = ""
    pieces: list[Piece] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    events: dict[str, set[UUID]] = field(default_factory=dict)

    def take(self, told: Told) -> None:
        """This content comes: chunks as they are made, corrections wait until it is processed."""
        self.told, self.first, self.pieces, start = told, "", [], 0
        self.corrections = [replace(one, holds=False) for one in self.corrections]
        for sentence in told.sentences:
            own, end = chunk_id(self.tenant, self.document_id, digest_of(sentence), 0), start + len(sentence)
            self.pieces.append(Piece(own, start, end))
            start = end + 1

    def read(self, model: str, *, first: bool) -> None:
        """This model of entities reads the document as it is cut; `first`: as its content came."""
        self.first = model if first else self.first
        stated, pieces = set[object](), []
        for one in self.pieces:
            found = read(model, self.told.text[one.start : one.end], one.start)
            # Chunks that people made may overlap, and state a relation once.
            pieces.append(one.reread(model, replace(found, stated=tuple(s for s in found.stated if s not in stated))))
            stated.update(found.stated)
        self.pieces = pieces

    def found(self, model: str) -> Iterator[tuple[Piece, Found]]:
        """What this model finds in each chunk; where it did not read the document, what the first one found."""
        for one in self.pieces:
            yield one, one.found.get(model) or one.found.get(self.first) or Found()

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
        by = dict.fromkeys(model for old in gone for model in old.found)
        found = {model: together([old.found[model] for old in gone if model in old.found]) for model in by}
        piece = Piece(own, start, end, {one: all_of.within(start, end) for one, all_of in found.items()}, tuple(gone))
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
