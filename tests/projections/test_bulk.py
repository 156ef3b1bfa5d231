"""What OpenSearch's answer to a bulk request says, and whose fault a failure is."""

import pytest

from eventstore.errors import StoreUnavailableError
from projections.errors import ReadModelReplacedError
from projections.vector.opensearch.bulk import (
    BulkFailure,
    BulkIndexResponse,
    RefusedItemsError,
    bulk_response,
    raise_for_failures,
)
from projections.vector.opensearch.client import WriteBlockedError


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (403, "security_exception: no permissions for [indices:data/write/bulk[s]]", StoreUnavailableError),
        (403, "cluster_block_exception: index blocked", WriteBlockedError),
        (404, "index_not_found_exception: no such index", ReadModelReplacedError),
        (429, "circuit_breaking_exception: too much", StoreUnavailableError),
        (400, "mapper_parsing_exception: no number", RefusedItemsError),
    ],
)
def test_only_what_is_the_documents_fault_is_held_against_them(
    status: int, reason: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        raise_for_failures(BulkIndexResponse(1, True, 1, (), (BulkFailure("a", status, reason),)))
    assert type(raised.value) is error


def test_an_answer_tells_conflicts_from_failures() -> None:
    error = {"type": "circuit_breaking_exception", "reason": "too much"}
    answer = {
        "took": 7,
        "errors": True,
        "items": [
            {"index": {"_id": "a", "status": 201}},
            {
                "index": {
                    "_id": "b",
                    "status": 409,
                    "error": {"type": "version_conflict_engine_exception", "reason": ""},
                }
            },
            {"delete": {"_id": "c", "status": 429, "error": error}},
        ],
    }
    failure = BulkFailure("c", 429, "circuit_breaking_exception: too much")
    assert bulk_response(answer) == BulkIndexResponse(7, True, 3, ("b",), (failure,))
