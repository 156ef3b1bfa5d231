"""The use cases of documents, as edges are given them."""

from dataclasses import dataclass

from services.storage.asked_erasures import EraseAskedSubjects
from services.storage.chunk import ReadChunk
from services.storage.consistency import ReadYourWrites
from services.storage.cross_database import DatabaseIntegrationLayer
from services.storage.deletion import DeleteDocuments
from services.storage.erasing import EraseDocuments
from services.storage.erasing_subjects import EraseSubjects
from services.storage.history import ReadHistory
from services.storage.listing import Listing
from services.storage.logged import ListLogged
from services.storage.naming import FindNaming
from services.storage.original import ReadOriginal
from services.storage.parts import ListParts
from services.storage.reading import ReadDocument
from services.storage.show import Show
from services.storage.taking import TakeDocuments
from services.storage.waiting import WaitForDocuments


@dataclass(frozen=True)
class Storage:
    """Use cases of documents."""

    taking: TakeDocuments
    deletion: DeleteDocuments
    erasing: EraseDocuments
    naming: FindNaming
    subjects: EraseSubjects
    asked_erasures: EraseAskedSubjects
    waiting: WaitForDocuments
    show: Show
    listing: Listing
    logged: ListLogged
    original: ReadOriginal
    parts: ListParts
    chunks: ReadChunk
    reading: ReadDocument
    consistency: ReadYourWrites
    history: ReadHistory
    databases: DatabaseIntegrationLayer
