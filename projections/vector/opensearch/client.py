"""Requests to OpenSearch: one way to say that it is away, and searches that are whole or not at all."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import (
    AuthenticationException,
    AuthorizationException,
    ConnectionError,
    NotFoundError,
    TransportError,
)

from eventstore.errors import StoreUnavailableError
from projections.errors import ReadModelReplacedError

BULK_LIMIT_S = 300.0
"""For requests that work on many documents; all others have the limit of the client that is given."""

BUSY = frozenset({429, 502, 503, 504})
"""What a server, or a proxy before it, answers that has no time now."""

GONE = frozenset({"index_not_found_exception", "aliases_not_found_exception"})
"""What is said of a generation that was dropped."""


class WriteBlockedError(StoreUnavailableError):
    """The next generation is being switched to; the same call may be tried again."""


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Raises StoreUnavailableError where the server is at fault, ReadModelReplacedError where the index is gone."""
    try:
        yield
    except ConnectionError as error:
        raise StoreUnavailableError(f"OpenSearch does not answer: {error}") from error
    except TransportError as error:
        if error.status_code in BUSY:
            raise StoreUnavailableError(f"OpenSearch asks to try again: {error}") from error
        if error.status_code == 403 and "cluster_block_exception" in f"{error.error} {error.info}":
            raise WriteBlockedError() from error
        if isinstance(error, AuthenticationException | AuthorizationException):
            # A password that was changed is no fault of the events: they wait for the new one.
            raise StoreUnavailableError(f"OpenSearch refuses the login: {error}") from error
        if isinstance(error, NotFoundError) and error.error in GONE:
            raise ReadModelReplacedError() from error
        raise


async def search(client: AsyncOpenSearch, index: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
    """One search, whole or not at all: a shard that fails is an error.

    Raises StoreUnavailableError, ReadModelReplacedError.
    """
    with faults():
        found: dict[str, Any] = await client.search(
            body=dict(body), index=index, params={"allow_partial_search_results": "false"}
        )
    return found


async def term_vectors(client: AsyncOpenSearch, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of a text that is no document, with what the index counts of them.

    Raises StoreUnavailableError, ReadModelReplacedError.
    """
    with faults():
        found: dict[str, Any] = await client.termvectors(index=index, body=dict(body))
    return found


async def by_id(
    client: AsyncOpenSearch, index: str, ids: Sequence[str], fields: Sequence[str], *, seen: bool
) -> dict[str, dict[str, Any]]:
    """Fields of documents by id, those that are there; also those that no search sees yet, unless `seen`.

    Raises StoreUnavailableError, ReadModelReplacedError.
    """
    if not ids:
        return {}
    params = {"_source": ",".join(fields), "realtime": "false" if seen else "true"}
    with faults():
        documents = (await client.mget(index=index, body={"ids": list(ids)}, params=params))["docs"]
    # Where the index is missing every document says so, and the answer as a whole does not.
    if any("error" in document for document in documents):
        raise ReadModelReplacedError()
    return {document["_id"]: document["_source"] for document in documents if document["found"]}
