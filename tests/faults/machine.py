"""Everything that may happen, in any order: documents, decisions, replays, erasures, deliveries (a state machine).

After each step the read models hold what a plain model says, and what the log says.
"""

from tests.faults.document_steps import DocumentSteps
from tests.faults.entity_steps import EntitySteps
from tests.faults.erasing_steps import ErasingSteps
from tests.faults.read_model_steps import ReadModelSteps
from tests.faults.relation_steps import RelationSteps
from tests.faults.undoing_steps import UndoingSteps


class AnnalsMachine(DocumentSteps, EntitySteps, RelationSteps, UndoingSteps, ErasingSteps, ReadModelSteps):
    """All of it."""
