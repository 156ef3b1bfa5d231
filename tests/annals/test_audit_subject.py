"""`annals audit subject`, beside a pipeline that is up: what is held of somebody, and who saw it."""

import asyncio
from pathlib import Path
from uuid import uuid4

from eventstore.audit_entries import AuditEntries
from eventstore.pool import open_pool
from security.audit import AuditEntry
from tests.annals.conftest import Up
from tests.annals.pipeline import given


def saw(up: Up, document: str, actor: str = "tobias", tenant: str = "default") -> None:
    """Somebody read a document."""

    async def append() -> None:
        pool = await open_pool(up.pipeline.addresses["postgres"])
        entry = AuditEntry(tenant, actor, "read", "read", "documents", document, address="192.0.2.1")
        await AuditEntries(pool).append([(uuid4(), entry)], again=False)
        await pool.close()

    asyncio.run(append())


def test_documents_that_name_somebody_and_who_read_them(up: Up) -> None:
    assert up.caught_up()
    before = given(up.data, "audit", "subject", "Ines Marlowe")
    names = {Path(document["document_id"]).name for document in before["documents"]}
    assert {"ines-marlowe.md", "skerry-point-lighthouse.md"} <= names and "tarrow.md" not in names
    assert [entity["name"] for entity in before["entities"]] == ["Ines Marlowe"]
    read = next(one["document_id"] for one in before["documents"] if one["document_id"].endswith("ines-marlowe.md"))
    saw(up, read)
    saw(up, read, actor="stranger", tenant="other")
    saw(up, str(up.articles / "tarrow.md"))
    seen = given(up.data, "audit", "subject", "Ines Marlowe")["seen"]
    assert [(one["actor"], one["object_id"]) for one in seen if one["category"] == "read"] == [("tobias", read)]
    assert any(one["action"] == "report" and one["object_id"] == "Ines Marlowe" for one in seen), "asking is audited"
    done = given(up.data, "audit", "subject", "tobias")["done"]
    assert {one["actor"] for one in done} == {"tobias"}


def test_of_a_stranger_nothing_is_held(up: Up) -> None:
    found = given(up.data, "audit", "subject", "Nobody of this name")
    assert (found["entities"], found["documents"], found["seen"], found["done"]) == ([], [], [], [])
