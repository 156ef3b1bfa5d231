"""What the read models are, wherever they are stored."""

from eventstore.outputs import ModelOutputs
from eventstore.texts import TextStore
from projections.graph.model import GraphModel
from projections.relational.model import RelationalModel
from projections.vector.model import MakeVectors, VectorModel


def read_models(
    texts: TextStore, outputs: ModelOutputs, vectors: MakeVectors
) -> tuple[RelationalModel, GraphModel, VectorModel]:
    """All of them, in the order in which a switch wants them."""
    return RelationalModel(), GraphModel(), VectorModel(texts, outputs, vectors)
