"""Documents given to a gateway, and what it says of each."""

from collections.abc import Sequence
from typing import Any

from annals.loading import Loaded, Refused
from annals.stored import StoredDocument
from client import documents as there
from client.gateway import Gateway


class ByGateway:
    """Documents of a folder that is followed, or that are just taken in, at one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def below(self, id_prefix: str) -> Sequence[StoredDocument]:
        """Raises GatewayError, GatewayAbsentError."""
        return [StoredDocument(**one) for one in await there.logged(self._gateway, id_prefix=id_prefix)]

    async def lines_below(self, file_prefix: str) -> Sequence[StoredDocument]:
        """Raises GatewayError, GatewayAbsentError."""
        return [StoredDocument(**one) for one in await there.logged(self._gateway, file_prefix=file_prefix)]

    async def take(self, documents: Sequence[Loaded]) -> Sequence[str | Refused]:
        """Raises GatewayError, GatewayAbsentError."""
        said = await there.take(self._gateway, [_document(one) for one in documents])
        return [_found(one, answer) for one, answer in zip(documents, said, strict=True)]

    async def delete(self, document_ids: Sequence[str], reason: str) -> None:
        """Those that are there. Raises GatewayError, GatewayAbsentError."""
        await there.delete(self._gateway, [[one] for one in document_ids], reason)


def _document(one: Loaded) -> dict[str, Any]:
    document = {"id": one.document_id, "title": one.title, "text": one.text, "attributes": one.attributes}
    return document if one.uri is None else {**document, "uri": one.uri}


def _found(document: Loaded, answer: dict[str, Any]) -> str | Refused:
    if "problem" not in answer:
        return str(answer["outcome"])
    problem = answer["problem"]
    why = str(problem.get("detail") or problem.get("title"))
    return Refused(document.name, why.removeprefix(f"{document.document_id}: "))
