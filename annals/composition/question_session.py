"""Asking, and no more: what a single question needs, which is opened in a fraction of the time of all use cases."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.composition.audit_log import open_watched_audit
from annals.composition.inference import open_inference
from annals.composition.models import ask_service, open_generator
from annals.composition.stores import open_read_models, open_stores
from annals.settings import Settings
from inference.model import NothingKept
from security.audit import AuditLog
from services.reasoning.ask import AskService
from services.security.recording import Recorded, recording
from services.storage.listing import Listing


@dataclass(frozen=True)
class QuestionSession:
    """`ask` loads its model when it is needed first, or by its `load`."""

    ask: AskService
    listing: Listing


@contextlib.asynccontextmanager
async def question_session(settings: Settings, dsn: str) -> AsyncIterator[QuestionSession]:
    """At the end answers are stored, or given up.

    Raises StoreUnavailableError, AnnalsError (ForeignServerError among them), OldSchemaError.
    """
    async with contextlib.AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_stores(settings, dsn))
        await open_read_models(stores)
        inference = open_inference(settings, NothingKept())
        stack.callback(inference.close)
        ask = ask_service(stores, inference, await stack.enter_async_context(open_generator(settings)))
        stack.push_async_callback(ask.close)
        audit = await stack.enter_async_context(open_watched_audit(stores))
        yield QuestionSession(audited_asking(ask, audit.log), Listing(stores.read.relational))


def audited_asking(asking: AskService, log: AuditLog) -> AskService:
    """The same, for commands: who asks over HTTP is told by the request."""
    return recording(asking, log, ask=Recorded("read", "execute", "reasoning"))
