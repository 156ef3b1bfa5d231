"""Another tenant's administrator is told the same of what there is here as of what is nowhere."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from annals.composition.operations import operations_of
from annals.composition.security import open_security
from contracts.access import Role
from contracts.errors import AnnalsError
from eventstore.dead_letters import DeadLetter
from projections.relational.reads import DocumentFilter, EntityFilter, RelationFilter
from security.access import FULL_ACCESS
from security.authorization import RbacAuthorizationEngine
from security.principal import Principal
from services.caller import Caller
from services.deadline import Deadline
from services.operations.use_cases import Operations
from services.search.results import SearchRequest
from services.security.explaining import AccessRequest
from services.security.use_cases import Security
from services.storage.cross_database import Answered
from tests.projections.stories import Story, vector_of
from tests.support.knowledge import Knowledge, open_knowledge

SECRET = "Quillon"
STORY = Story("paper", (f"{SECRET} met Bob.", "Bob sang."), title=SECRET, tenant="ours")
OWN = Story("note", ("Cleo met Dan.",), title="Note", tenant="theirs")
ADA = Caller("ours", "ada", "test", FULL_ACCESS)
ZOE = Caller(
    "theirs",
    "zoe",
    "http",
    RbacAuthorizationEngine(home="default").access_of(
        Principal("zoe", "user", "theirs", ("administrator",), None, "key:1"), None, datetime.now(UTC)
    ),
)


def soon() -> Deadline:
    return Deadline.after(20)


@dataclass
class Installation:
    """Everything opened, with ids of what the tenant `ours` has."""

    knowledge: Knowledge
    operations: Operations
    security: Security
    ids: dict[str, str]


@pytest.fixture
async def there(dsn: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async with open_knowledge(dsn, tmp_path) as knowledge, open_security(knowledge.stores) as security:
        await knowledge.tell(STORY, OWN)
        await knowledge.history.rename("Bob", SECRET, tenant="ours")
        asked = await knowledge.ask.ask(ADA, f"Who is {SECRET}?", 5, soon())
        await knowledge.stores.read.answers.keep("ours", asked.key, asked.query_id)
        await knowledge.follow()
        await security.accounts.create(ADA, "quillon", "user", ["reader"], deadline=soon())
        key = await security.api_keys.issue(ADA, "quillon", SECRET, deadline=soon())
        await security.policies.change(
            ADA,
            [Role(name="quillon-role", description=SECRET)],
            expected_version=None,
            reason=None,
            correlation_id="quillon-request",
            deadline=soon(),
        )
        await knowledge.stores.letters.add([_letter()])
        (letter,) = await knowledge.stores.letters.newest("ours", None, 5)
        events = await knowledge.history.all()
        ids = {
            "document": STORY.document_id,
            "entity": SECRET,
            "account": "quillon",
            "key": key.key.id,
            "letter": str(letter.id),
            "event": str(events[0].event_id),
            "request": "quillon-request",
            "question": asked.query_id,
        }
        yield Installation(knowledge, operations_of(knowledge.stores, None), security, ids)


NOWHERE = {
    "document": "nowhere",
    "entity": "Nobody",
    "account": "nobody",
    "key": "a" * 16,
    "letter": "999999",
    "event": str(UUID(int=7)),
    "request": "no-request",
    "question": str(UUID(int=8)),
}
Way = Callable[[Installation, str], Awaitable[object]]
BY_ID: dict[str, tuple[str, Way]] = {
    "show": ("document", lambda i, name: i.knowledge.storage.show.show(ZOE, [name], soon())),
    "show entity": ("entity", lambda i, name: i.knowledge.storage.show.entity(ZOE, name, deadline=soon())),
    "get": ("document", lambda i, name: i.knowledge.storage.reading.get(ZOE, name, deadline=soon())),
    "status": ("document", lambda i, name: i.knowledge.storage.reading.status(ZOE, name, deadline=soon())),
    "history": ("document", lambda i, name: i.knowledge.storage.history.of(ZOE, [name], soon())),
    "history of a question": ("question", lambda i, name: i.knowledge.storage.history.of(ZOE, [name], soon())),
    "chunks": (
        "document",
        lambda i, name: i.knowledge.storage.parts.chunks(ZOE, name, after=None, limit=5, deadline=soon()),
    ),
    "relations": (
        "document",
        lambda i, name: i.knowledge.storage.parts.relations(
            ZOE, RelationFilter(document_id=name), after=None, limit=5, deadline=soon()
        ),
    ),
    "delete": (
        "document",
        lambda i, name: i.knowledge.storage.deletion.delete(
            ZOE, [[name]], reason=None, correlation_id="c", deadline=soon()
        ),
    ),
    "wait": ("document", lambda i, name: i.knowledge.storage.waiting.until_projected(ZOE, [name], deadline=soon())),
    "whole document": (
        "document",
        lambda i, name: i.knowledge.storage.databases.document_with_entities(ZOE, name, deadline=soon()),
    ),
    "traverse": (
        "entity",
        lambda i, name: i.knowledge.storage.databases.graph_traversal(ZOE, [name], 3, deadline=soon()),
    ),
    "reprocess": ("document", lambda i, name: i.operations.reprocess.reprocess(ZOE, [name], deadline=soon())),
    "reprocess named": ("document", lambda i, name: i.operations.reprocess.named(ZOE, [[name]], deadline=soon())),
    "event": ("event", lambda i, name: i.operations.events.get(ZOE, UUID(name), deadline=soon())),
    "events of a document": (
        "document",
        lambda i, name: i.operations.events.of_aggregate(ZOE, "document", name, after=None, limit=5, deadline=soon()),
    ),
    "events of a request": (
        "request",
        lambda i, name: i.operations.events.of_request(ZOE, name, after=None, limit=5, deadline=soon()),
    ),
    "trace of a request": (
        "request",
        lambda i, name: i.operations.traces.trace(ZOE, [name], after=None, limit=5, deadline=soon()),
    ),
    "trace of an event": (
        "event",
        lambda i, name: i.operations.traces.trace(ZOE, [name], after=None, limit=5, deadline=soon()),
    ),
    "trace of a document": (
        "document",
        lambda i, name: i.operations.traces.trace(ZOE, [name], after=None, limit=5, deadline=soon()),
    ),
    "dead letter": (
        "letter",
        lambda i, name: i.operations.dead_letters.get(ZOE, int(name), all_tenants=False, deadline=soon()),
    ),
    "retry": (
        "letter",
        lambda i, name: i.operations.dead_letters.retry(ZOE, [int(name)], all_tenants=False, deadline=soon()),
    ),
    "drop": (
        "letter",
        lambda i, name: i.operations.dead_letters.drop(ZOE, [int(name)], "no", all_tenants=False, deadline=soon()),
    ),
    "account": ("account", lambda i, name: i.security.accounts.get(ZOE, name, deadline=soon())),
    "disable": ("account", lambda i, name: i.security.accounts.disable(ZOE, name, None, deadline=soon())),
    "enable": ("account", lambda i, name: i.security.accounts.enable(ZOE, name, None, deadline=soon())),
    "roles": ("account", lambda i, name: i.security.accounts.change_roles(ZOE, name, ["reader"], deadline=soon())),
    "issue": ("account", lambda i, name: i.security.api_keys.issue(ZOE, name, "mine", deadline=soon())),
    "keys of": ("account", lambda i, name: i.security.api_keys.list(ZOE, name, deadline=soon())),
    "key": ("key", lambda i, name: i.security.api_keys.get(ZOE, name, deadline=soon())),
    "revoke": ("key", lambda i, name: i.security.api_keys.revoke(ZOE, name, deadline=soon())),
    "explain": (
        "account",
        lambda i, name: i.security.access_explainer.explain(
            ZOE, AccessRequest(name, "documents", "read"), now=datetime.now(UTC), deadline=soon()
        ),
    ),
}


@pytest.mark.parametrize(("kind", "way"), BY_ID.values(), ids=BY_ID)
async def test_an_id_of_another_tenant_is_like_one_of_nobody(there: Installation, kind: str, way: Way) -> None:
    outcomes = [await _told(there, way, ids[kind]) for ids in (there.ids, NOWHERE)]
    assert outcomes[0] == outcomes[1]


async def test_what_was_tried_changed_nothing(there: Installation) -> None:
    before = await there.knowledge.history.all()
    for kind, way in BY_ID.values():
        await _told(there, way, there.ids[kind])
    assert await there.knowledge.history.all() == before
    assert (await there.knowledge.stores.letters.newest("ours", "open", 5))[0].id == int(there.ids["letter"])
    assert (await there.security.api_keys.get(ADA, there.ids["key"], deadline=soon())).fault(datetime.now(UTC)) is None


OF_ALL: dict[str, Callable[[Installation], Awaitable[object]]] = {
    "documents": lambda i: i.knowledge.storage.listing.documents(
        ZOE, DocumentFilter(), after=None, limit=99, deadline=soon()
    ),
    "entities": lambda i: i.knowledge.storage.listing.entities(
        ZOE, EntityFilter(), after=None, limit=99, deadline=soon()
    ),
    "relations": lambda i: i.knowledge.storage.parts.relations(
        ZOE, RelationFilter(), after=None, limit=99, deadline=soon()
    ),
    "search": lambda i: i.knowledge.search.search(
        ZOE, SearchRequest(f"Who is {SECRET}?"), after=None, limit=10, deadline=soon()
    ),
    "semantic search": lambda i: i.knowledge.storage.databases.semantic_search(
        ZOE, STORY.embedder, vector_of(STORY.inputs[0], 8).tolist(), deadline=soon()
    ),
    "events": lambda i: i.operations.events.after(ZOE, after=None, limit=99, deadline=soon()),
    "dead letters": lambda i: i.operations.dead_letters.newest(ZOE, None, 9, all_tenants=False, deadline=soon()),
    "standing still": lambda i: i.operations.reprocess.standing_still(ZOE, deadline=soon()),
    "unfinished": lambda i: i.operations.reprocess.unfinished(ZOE, deadline=soon()),
    "accounts": lambda i: i.security.accounts.list(ZOE, deadline=soon()),
    "keys": lambda i: i.security.api_keys.list(ZOE, deadline=soon()),
    "policy": lambda i: i.security.policies.show(ZOE, deadline=soon()),
}


@pytest.mark.parametrize("way", OF_ALL.values(), ids=OF_ALL)
async def test_lists_hold_nothing_of_another_tenant(
    there: Installation, way: Callable[[Installation], Awaitable[object]]
) -> None:
    told = repr(await way(there))
    assert SECRET.lower() not in told.lower() and STORY.document_id not in told and "'ours'" not in told


async def test_counts_are_the_tenants_own(there: Installation) -> None:
    counts = await there.knowledge.storage.listing.counts(ZOE, deadline=soon())
    assert (counts.documents, counts.chunks, counts.relations) == (1, 1, 1)
    assert (await there.operations.events.count_by_type(ZOE, deadline=soon()))["DocumentIngested"] == 1


async def test_a_kept_answer_is_of_its_tenant(there: Installation) -> None:
    asked = await there.knowledge.ask.ask(ZOE, f"Who is {SECRET}?", 5, soon())
    assert not asked.cached and not any(one.document_id == STORY.document_id for one in asked.answer.sources)


@pytest.mark.parametrize(
    "way",
    [
        lambda i: i.operations.status.read(ZOE, deadline=soon()),
        lambda i: i.operations.dead_letters.newest(ZOE, None, 9, all_tenants=True, deadline=soon()),
        lambda i: i.operations.dead_letters.get(ZOE, int(i.ids["letter"]), all_tenants=True, deadline=soon()),
        lambda i: i.operations.dead_letters.retry(ZOE, None, all_tenants=True, deadline=soon()),
        lambda i: i.operations.dead_letters.resume(ZOE, ["chunking"], deadline=soon()),
        lambda i: i.operations.rebuilding.replay(ZOE, ["graph"], lambda _: None, deadline=soon()),
        lambda i: i.operations.rebuilding.verify(ZOE, "graph", lambda _: None, deadline=soon()),
        lambda i: i.operations.transfer.lines(ZOE, outputs=False, deadline=soon()),
    ],
)
async def test_what_all_tenants_share_is_for_the_operator_alone(
    there: Installation, way: Callable[[Installation], Awaitable[object]]
) -> None:
    with pytest.raises(AnnalsError, match=r"zoe may not .*whole installation"):
        await way(there)


async def _told(there: Installation, way: Way, name: str) -> str:
    """What somebody learns from it, whatever the name; the time that it took is left out."""
    try:
        result = await way(there, name)
        return repr(result.result if isinstance(result, Answered) else result).replace(name, "NAME")
    except AnnalsError as error:
        return f"{type(error).__name__}: {error}".replace(name, "NAME")


def _letter() -> DeadLetter:
    return DeadLetter(
        consumer="chunking",
        identity=str(uuid4()),
        topic="annals.documents",
        partition=0,
        offset=1,
        key=b"k",
        value=SECRET.encode(),
        error="ValueError",
        cause=SECRET,
        tenant="ours",
        aggregate_id=STORY.document_id,
    )
