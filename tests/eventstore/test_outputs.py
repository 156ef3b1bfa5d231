"""What models said, forgotten: all of one revision, in steps of which each is short."""

import pytest

from eventstore import outputs
from eventstore.log_ids import PUBLIC_IDS
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool


@pytest.mark.parametrize("kept", [0, 1, 4, 5])
async def test_all_outputs_of_one_revision_are_forgotten(
    pool: PostgresPool, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(outputs, "CLEARED_AT_ONCE", 2)
    store = ModelOutputs(pool, PUBLIC_IDS)
    digests = [f"{number:064x}" for number in range(kept)]
    await store.put_many("m", dict.fromkeys(digests, b"said"))
    await store.put_many("other", {"0" * 64: b"said"})
    assert await store.clear("m") == kept
    assert await store.counts() == {"other": 1}
