"""Everything that may happen, in any order: documents, chunks, decisions, replays, deliveries (a state machine).

After each step the read models hold what a plain model says, and what the log says.
"""

from tests.faults.chunk_steps import ChunkSteps
from tests.faults.document_steps import DocumentSteps
from tests.faults.entity_steps import EntitySteps
from tests.faults.erasing_steps import ErasingSteps
from tests.faults.read_model_steps import ReadModelSteps
from tests.faults.relation_steps import RelationSteps
from tests.faults.undoing_steps import UndoingSteps


class AnnalsMachine(DocumentSteps, ChunkSteps, EntitySteps, RelationSteps, UndoingSteps, ErasingSteps, ReadModelSteps):
    """All of it."""
