"""What handlers do is in the audit log, whichever way it ends, and before the answer."""

import httpx

from security.audit import AuditEntry
from services.errors import AccessDeniedError, NotFoundError
from services.security.recording import Recorded, recording
from tests.gateway.fakes import ADA, DOCUMENT, Gateway


async def stored(gateway: Gateway) -> tuple[httpx.Response, list[AuditEntry]]:
    """The answer to a document that is sent, and what was recorded behind authentication and authorization."""
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    return answer, gateway.audit.entries[2:]


async def test_a_change_is_recorded_before_it_is_answered(gateway: Gateway) -> None:
    answer, (entry,) = await stored(gateway)
    assert answer.status_code == 201
    assert (entry.category, entry.action, entry.resource, entry.outcome) == ("change", "write", "documents", "success")
    assert (entry.actor, entry.credential, entry.request_id) == ("ada", "token ada", answer.headers["x-request-id"])


async def test_what_cannot_be_recorded_is_not_answered_as_done(gateway: Gateway) -> None:
    async def record(entry: AuditEntry) -> None:
        if entry.category == "change":
            from eventstore.errors import AuditUnavailableError

            raise AuditUnavailableError()

    gateway.audit.record = record  # type: ignore[method-assign]
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    assert answer.status_code == 503 and gateway.storage.tries == 1


async def test_what_the_use_case_recorded_is_not_recorded_again(gateway: Gateway) -> None:
    services = gateway.app._api.state.services
    one = recording(
        services.storage,
        gateway.audit,
        store_document=Recorded("change", "write", "documents", lambda given, _: [given["request"].document_id]),
    )
    object.__setattr__(services, "storage", one)
    answer, (entry,) = await stored(gateway)
    assert (answer.status_code, entry.object_id, entry.outcome) == (201, DOCUMENT["id"], "success")
    gateway.storage.failures = [NotFoundError("there is no d1; see `annals list`")]
    answer, entries = await stored(gateway)
    assert (answer.status_code, [(one.object_id, one.outcome) for one in entries[-2:]][-1]) == (404, ("d1", "failed"))


async def test_what_fails_is_recorded_with_its_reason(gateway: Gateway) -> None:
    gateway.storage.failures = [NotFoundError("there is no d1; see `annals list`")]
    answer, (entry,) = await stored(gateway)
    assert answer.status_code == 404
    assert (entry.category, entry.outcome, entry.reason) == ("change", "failed", "there is no d1; see `annals list`")


async def test_what_the_object_denies_is_recorded_as_denied(gateway: Gateway) -> None:
    gateway.storage.failures = [AccessDeniedError("ada may not write d1; ask an administrator")]
    answer, (entry,) = await stored(gateway)
    assert answer.status_code == 403
    assert (entry.category, entry.outcome, entry.actor) == ("authorization", "denied", "ada")


async def test_of_a_defect_only_its_kind_is_recorded(gateway: Gateway) -> None:
    gateway.storage.failures = [ZeroDivisionError("Lisse lies on the coast")]
    answer, (entry,) = await stored(gateway)
    assert answer.status_code == 500
    assert (entry.outcome, entry.reason) == ("failed", "ZeroDivisionError")
