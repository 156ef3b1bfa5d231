"""What people correct; each correction goes into the audit log."""

from collections.abc import Mapping
from typing import Any

from annals.composition.embedders import which_embedder
from annals.composition.knowledge import entities_of
from annals.composition.stores import Stores
from inference.runner import Inference
from security.audit import AuditLog
from services.corrections.chains import JudgeChains
from services.corrections.chunks import CorrectChunks
from services.corrections.relations import CorrectRelations
from services.corrections.undoing import UndoEvents
from services.corrections.use_cases import Corrections
from services.processing.model_cache import ModelCache
from services.processing.recutting import Recutting
from services.security.recording import Objects, Recorded, recording


def corrections_of(stores: Stores, inference: Inference, log: AuditLog) -> Corrections:
    """All of them; `inference` keeps what it makes."""
    read = stores.read
    recutting = Recutting(stores.texts, inference, which_embedder(stores))
    chunks = CorrectChunks(stores.commands, stores.reader, read.passages, recutting)
    chains = JudgeChains(stores.commands, stores.reader)
    undoing = UndoEvents(stores.commands, stores.reader, stores.texts, entities_of(stores), chunks, chains)
    return Corrections(
        relations=recording(
            CorrectRelations(stores.commands, stores.reader, read.relational, read.passages),
            log,
            show=Recorded("read", "read", "relations", _named("relation_id")),
            orphaned=Recorded("read", "read", "relations"),
            **dict.fromkeys(
                ("correct", "judge", "undo"), Recorded("change", "write", "relations", _named("relation_id"))
            ),
        ),
        chunks=recording(
            chunks,
            log,
            orphaned=Recorded("read", "read", "chunks"),
            merge=Recorded("change", "write", "chunks", lambda given, _: list(given["chunk_ids"])),
            **dict.fromkeys(("update", "undo"), Recorded("change", "write", "chunks", _named("chunk_id"))),
        ),
        chains=recording(
            chains,
            log,
            judge=Recorded("change", "write", "reasoning", _named("query_id")),
        ),
        undoing=recording(
            undoing, log, undo=Recorded("change", "write", "events", lambda given, _: [str(given["event_id"])])
        ),
    )


def model_cache_of(stores: Stores, log: AuditLog) -> ModelCache:
    """What models said of texts."""
    return recording(
        ModelCache(stores.commands, stores.reader, stores.outputs, stores.read.passages),
        log,
        clear=Recorded("change", "administer", "models", _named("revision")),
    )


def _named(argument: str) -> Objects:
    def objects(given: Mapping[str, Any], _: Any) -> list[str]:
        return [given[argument]]

    return objects
