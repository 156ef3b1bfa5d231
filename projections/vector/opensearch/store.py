"""The vector read model in OpenSearch: live writes by version, generations behind an alias."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import NotFoundError, RequestError

from eventstore.keys import AggregateKey
from projections.changes import Change, Positions
from projections.errors import OldSchemaError, ReadModelReplacedError
from projections.vector.model import check_model
from projections.vector.opensearch.bulk import Action, write_bulk
from projections.vector.opensearch.client import WriteBlockedError, faults, search
from projections.vector.opensearch.documents import dimensions
from projections.vector.opensearch.index import (
    NAME,
    SCHEMA_VERSION,
    alias_of,
    embedding,
    id_of,
    index_of,
    owner_of,
    template,
    writing,
)
from projections.vector.opensearch.snapshot import OpenSearchSnapshot, positions, snapshot
from projections.vector.opensearch.stale import known, recover
from projections.vector.opensearch.switch import lift_if_dead
from projections.vector.opensearch.write import Write

ModelOf = Callable[[str], Awaitable[str | None]]


class OpenSearchVectorStore:
    """One generation, by default the live one; `alias` leads to its index. Methods raise StoreUnavailableError."""

    def __init__(
        self,
        client: AsyncOpenSearch,
        name: str = NAME,
        alias: str | None = None,
        model_of: ModelOf | None = None,
    ) -> None:
        """`model_of`: the embedder's revision of the generation with an id, where the store is to see to it."""
        self.client = client
        self._model_of = model_of
        self.name = name
        self.alias = alias or name
        self._mapped: dict[str, set[int]] = {}

    async def open(self) -> None:
        """Make the index where there is none; delete what writers that died left. Raises OldSchemaError."""
        if await self.index() is None:
            # A fixed name: of two who come at once, one makes it.
            await self.create(index_of(self.name, "first"))
        found = await self.found_version()
        if found != SCHEMA_VERSION:
            raise OldSchemaError(
                f"the vector read model has schema version {found} and this Annals wants {SCHEMA_VERSION}; "
                "run: annals replay vector"
            )
        with contextlib.suppress(WriteBlockedError):
            await recover(self.client, await self.current())

    async def found_version(self) -> int:
        """The schema version of what is there."""
        with faults():
            mappings = await self.client.indices.get_mapping(index=self.alias)
        (found,) = (mapping["mappings"]["_meta"].get("schema_version") for mapping in mappings.values())
        return int(found or 0)

    async def create(self, index: str) -> None:
        """An empty index behind this store's alias, as the template says; one that is there is left as it is."""
        with faults():
            await self.client.indices.put_index_template(name=self.name, body=template(self.name))
            try:
                await self.client.indices.create(
                    index=index,
                    body={"aliases": {self.alias: {}, writing(index): {}}},
                    params={"wait_for_active_shards": 1},
                )
            except RequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise

    async def index(self) -> str | None:
        """The index that the alias leads to now."""
        try:
            with faults():
                (name,) = await self.client.indices.get_alias(name=self.alias)
        except NotFoundError:
            return None
        return str(name)

    async def current(self) -> str:
        """The same, where there must be one. Raises ReadModelReplacedError."""
        index = await self.index()
        if index is None:
            raise ReadModelReplacedError(f"the generation {self.alias} is not there any more")
        return index

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is there."""
        owners = {owner_of(key): key for key in keys}
        found = await known(self.client, self.alias, list(owners))
        return {owners[owner]: one.version for owner, one in found.items()}

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        return await positions(self.client, self.alias, {})

    async def content_tag(self, tenant: str) -> str:
        """A name for the present content: the number of the tenant's last change among all changes of the index."""
        return await version_of(self.client, self.alias, tenant)

    async def write(self, changes: Sequence[Change], positions: Positions) -> None:
        """All changes and the positions, visible in one step; `Write` says what a crash leaves.

        Raises StaleVersionError.
        """
        if not changes and not positions:
            return
        index = await self.current()
        if self._model_of is not None:
            check_model(changes, await self._model_of(id_of(self.name, index)))
        try:
            await self.make_room(index, changes)
            await Write(self.client, index, changes, positions).run()
        except WriteBlockedError:
            await lift_if_dead(self.client, index)
            raise

    async def forget(self, keys: Sequence[AggregateKey]) -> None:
        """See Store."""
        index = await self.current()
        actions: list[Action] = [({"delete": {"_id": owner_of(key)}}, None) for key in keys]
        if actions:
            await write_bulk(self.client, index, actions, refresh=True)

    async def make_room(self, index: str, changes: Sequence[Change]) -> None:
        """A field for vectors of each dimension that was not there before."""
        mapped = self._mapped.setdefault(index, set())
        for size in dimensions(changes) - mapped:
            with faults():
                await self.client.indices.put_mapping(index=index, body={"properties": embedding(size)})
            mapped.add(size)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[OpenSearchSnapshot]:
        """At one point in time."""
        async with snapshot(self.client, self.alias) as one:
            yield one

    def beside(self, generation_id: str) -> "OpenSearchVectorStore":
        """The store of another generation."""
        return OpenSearchVectorStore(self.client, self.name, alias_of(self.name, generation_id), self._model_of)


async def version_of(client: AsyncOpenSearch, alias: str, tenant: str) -> str:
    """The name of a tenant's present content; another one after every change, and in every generation."""
    changes = [{"term": {"tenant": tenant}}, {"terms": {"what": ["version", "touched"]}}]
    found = await search(
        client,
        alias,
        {
            "query": {"bool": {"filter": changes}},
            "sort": [{"_seq_no": "desc"}],
            "size": 1,
            "seq_no_primary_term": True,
            "_source": False,
        },
    )
    return next((f"{hit['_index']}/{hit['_seq_no']}" for hit in found["hits"]["hits"]), "nothing")
