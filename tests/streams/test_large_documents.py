"""However many large documents there are, a process holds few of them at once: memory is bounded in bytes."""

import asyncio
import subprocess
import sys

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import EventMetadata
from tests.conftest import BrokerServer
from tests.projections.history import DocumentDecision, open_history
from tests.support.large_documents import stories

DOCUMENTS = 16
LIMIT_MIB = 100
"""Their texts alone are 122 MiB, the large events as much."""


def _ingesting(document_id: str, content: DocumentContent, cause: Cause) -> DocumentDecision:
    return lambda state: documents.ingest(state, document_id, content, cause)


@pytest.mark.timeout(600)
def test_no_task_holds_all_large_documents_at_once(dsn: str, broker: BrokerServer) -> None:
    async def fill() -> None:
        async with open_history(dsn) as history:
            for story in stories(DOCUMENTS):
                await history.ingest(story)
                await history.chunk(story)
            # For the relay, which publishes no texts: events as large as they may be.
            content = DocumentContent(
                title="t",
                text=TextReference(digest="a" * 64, characters=1, bytes=1),
                attributes={"a": "x" * 1_000_000},
            )
            cause = Cause(EventMetadata(), correlation_id="c1")
            for number in range(120):
                await history.on_document("default", f"e{number}", _ingesting(f"e{number}", content, cause))

    asyncio.run(fill())
    grown: dict[str, int] = {}
    for task in ("export", "relay", "replay", "stage"):
        command = [sys.executable, "-m", "tests.support.large_documents", task, dsn, broker.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        grown[task] = int(done.stdout.split()[-1])
    assert max(grown.values()) < LIMIT_MIB, grown
