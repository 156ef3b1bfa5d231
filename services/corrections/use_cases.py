"""The use cases of corrections, as edges are given them."""

from dataclasses import dataclass

from services.corrections.chains import JudgeChains
from services.corrections.chunks import CorrectChunks
from services.corrections.relations import CorrectRelations
from services.corrections.undoing import UndoEvents


@dataclass(frozen=True)
class Corrections:
    """What people correct in what was found."""

    relations: CorrectRelations
    chunks: CorrectChunks
    chains: JudgeChains
    undoing: UndoEvents
