"""Documents: taken in, deleted, shown."""

from annals.composition.stores import Stores
from eventstore.asked_erasures import AskedErasures
from eventstore.erasures import Erasures
from eventstore.originals import OriginalStore
from security.audit import AuditLog
from services.citations import Citations
from services.storage.asked_erasures import EraseAskedSubjects
from services.storage.chunk import ReadChunk
from services.storage.consistency import ReadYourWrites
from services.storage.cross_database import DatabaseIntegrationLayer
from services.storage.deletion import DeleteDocuments
from services.storage.erasing import EraseDocuments
from services.storage.erasing_subjects import EraseSubjects
from services.storage.history import ReadHistory
from services.storage.intake import Intake
from services.storage.listing import Listing
from services.storage.logged import ListLogged
from services.storage.naming import FindNaming
from services.storage.original import ReadOriginal
from services.storage.parts import ListParts
from services.storage.query_plan import QueryOptimizer
from services.storage.reading import ReadDocument
from services.storage.show import Show
from services.storage.taking import TakeDocuments
from services.storage.use_cases import Storage
from services.storage.waiting import WaitForDocuments


def storage_of(stores: Stores, audit: AuditLog) -> Storage:
    """All of them."""
    deletion = DeleteDocuments(stores.commands, stores.reader)
    read, originals = stores.read, OriginalStore(stores.pool, stores.keys)
    erasures = Erasures(stores.pool, stores.keys.ids)
    erasing = EraseDocuments(
        deletion,
        stores.reader,
        erasures,
        list(stores.projections.values()),
        stores.generations,
        read.relational,
        audit,
    )
    naming = FindNaming(stores.reader, stores.texts, erasures)
    subjects = EraseSubjects(naming, erasing)
    chunks = ReadChunk(read.relational, read.passages, Citations(stores.texts))
    return Storage(
        taking=TakeDocuments(intake_of(stores), originals),
        deletion=deletion,
        erasing=erasing,
        naming=naming,
        subjects=subjects,
        asked_erasures=EraseAskedSubjects(AskedErasures(stores.pool), subjects),
        waiting=WaitForDocuments(stores.reader, stores.letters, [store for _, store in read.models]),
        show=Show(stores.reader, read.relational, read.graph, read.passages, chunks),
        listing=Listing(read.relational),
        logged=ListLogged(stores.reader),
        original=ReadOriginal(stores.reader, originals),
        parts=ListParts(read.relational, read.passages),
        chunks=chunks,
        reading=ReadDocument(
            stores.reader, stores.letters, read.relational, {model.name: store for model, store in read.models}
        ),
        consistency=ReadYourWrites(read.models, stores.topics),
        history=ReadHistory(stores.reader),
        databases=databases_of(stores),
    )


def intake_of(stores: Stores) -> Intake:
    """The one way to take documents in."""
    return Intake(stores.commands, stores.texts, stores.receipts, max_document_bytes=stores.settings.max_document_bytes)


def databases_of(stores: Stores) -> DatabaseIntegrationLayer:
    """The questions that need several databases."""
    read = stores.read
    return DatabaseIntegrationLayer(
        read.relational, read.graph, read.passages, read.models, stores.topics, QueryOptimizer(read.relational)
    )
