"""Reads of other generations than the live one: the one place that says which readers and services they are made of."""

from collections.abc import Mapping

from annals.composition.audited import audited_reads
from annals.composition.embedders import LiveEmbedders, PastEmbedder, serving_embedders, which_embedder
from annals.composition.models import answer_models
from annals.composition.profiles import Readers, readers_of, table_readers
from annals.composition.readings import serving_readings
from annals.composition.stores import Stores
from eventstore.generations import RegisteredGeneration
from inference.runner import Inference
from projections.relational.differences import GenerationDifferences
from projections.store import Store
from reasoning.answer_models import TextGenerator
from reasoning.embedder import Embedders
from reasoning.engine import Reasoner
from reasoning.judged_graph import JudgedGraph
from reasoning.typed_graph import typed
from security.audit import AuditLog
from services.citations import Citations
from services.past.answers import CompareAnswers
from services.past.asking import AskPast
from services.past.differences import Compare
from services.past.generations import PastGenerations
from services.past.reads import PastReads, Reads
from services.past.snapshots import KeepSnapshots
from services.past.tables import PastTables
from services.past.use_cases import Past
from services.reasoning.answer_documents import AnswerDocuments
from services.reasoning.ask import AskService
from services.reasoning.interface import Reasoning
from services.search.search import Embedding, SearchPassages
from services.security.recording import Recorded, recording
from services.storage.chunk import ReadChunk
from services.storage.listing import Listing
from services.storage.parts import ListParts
from services.storage.reading import ReadDocument
from services.storage.show import Show


class GenerationReads:
    """Makes the reads of a generation. `embedding`: the reasoning service, here or in a process of its own."""

    def __init__(
        self,
        stores: Stores,
        ask: AskService,
        inference: Inference,
        generator: TextGenerator | None,
        embedding: Embedding,
        audit: AuditLog,
    ) -> None:
        self._stores = stores
        self._ask = ask
        self._inference = inference
        self._generator = generator
        self._embedding = embedding
        self._audit = audit

    def open(self, parts: Mapping[str, RegisteredGeneration]) -> Reads:
        """Of what is registered of each read model."""
        ids = {name: one.id for name, one in parts.items()}
        read = readers_of(self._stores.connections, self._stores.ontology, ids)
        held_by = {name: self._stores.generations.store_of(one) for name, one in parts.items()}
        embedder = PastEmbedder(self._inference, which_embedder(self._stores), parts["vector"])
        return self._over(read, held_by, embedder, embedder)

    def live(self) -> Reads:
        """Of the live ones, recording nothing."""
        read = self._stores.read
        held_by = {name: one.store for name, one in self._stores.projections.items()}
        live = LiveEmbedders(self._inference, which_embedder(self._stores))
        return self._over(Readers(read.relational, read.graph, read.passages), held_by, live, self._embedding)

    def _over(self, read: Readers, held_by: Mapping[str, Store], embedders: Embedders, embedding: Embedding) -> Reads:
        stores, citations = self._stores, Citations(self._stores.texts)
        chunks = ReadChunk(read.relational, read.passages, citations)
        models = answer_models(stores.settings, self._inference, self._generator)
        graph = JudgedGraph(typed(read.graph, read.relational, stores.ontology), read.relational)
        return audited_reads(
            Reads(
                relational=read.relational,
                show=Show(stores.reader, read.relational, read.graph, read.passages, chunks),
                listing=Listing(read.relational),
                parts=ListParts(read.relational, read.passages),
                chunks=chunks,
                reading=ReadDocument(stores.reader, stores.letters, read.relational, held_by),
                search=SearchPassages(read.passages, read.graph, read.relational, embedding, citations),
                ask=self._ask.of_generation(
                    Reasoner(graph, read.passages, embedders, models),
                    read.passages,
                    AnswerDocuments(read.relational, citations),
                ),
            ),
            self._audit,
        )


def past_generations(stores: Stores) -> PastGenerations:
    """Those that have names."""
    return PastGenerations(
        stores.projections,
        stores.generations,
        stores.reader,
        stores.topics,
        serving_embedders(stores),
        serving_readings(stores),
    )


def keep_snapshots(stores: Stores) -> KeepSnapshots:
    """For the projector, which makes them."""
    return KeepSnapshots(
        stores.dsn,
        stores.projections,
        stores.generations,
        stores.reader,
        stores.topics,
        serving_embedders(stores),
        serving_readings(stores),
    )


def past_tables(stores: Stores) -> PastTables:
    """Their read models as tables."""
    return PastTables(
        past_generations(stores),
        lambda one: table_readers(stores.connections, {one.read_model: one.id})[one.read_model],
    )


def past_of(stores: Stores, reads: PastReads, reasoning: Reasoning, audit: AuditLog) -> Past:
    """All use cases of the past. `reasoning`: here, or in a process of its own."""
    generations, differences = past_generations(stores), GenerationDifferences(stores.pool)
    compare = Compare(generations, differences, stores.reader)
    answers = CompareAnswers(compare, differences, reasoning)
    return Past(
        generations,
        reads,
        recording(AskPast(reads), audit, ask=Recorded("read", "execute", "reasoning")),
        recording(compare, audit, differences=Recorded("read", "read", "documents")),
        recording(answers, audit, answers=Recorded("read", "execute", "reasoning")),
    )
