"""Every endpoint, in one table: routes, limits, timeouts, permissions and the OpenAPI document are made of it.

The first four have the specification's very numbers (section 1.1, `register_core_endpoints`).
"""

from dataclasses import replace

from gateway.endpoint import KIB, MIB, ApiEndpointConfig, HttpMethod, KeyUse, RateLimit, RetryConfig

PREFIX = "/api/v1"

READS = RateLimit(600, 60.0)
WRITES = RateLimit(100, 60.0)
READ_AGAIN = RetryConfig.exponential(2, 0.050)
DOCUMENT_BYTES = 16 * MIB
"""A document's text is at most 8 MiB, and a character may take six in JSON: of most texts it is enough."""
FILE_BYTES = 32 * MIB


def _read(path: str, handler: str, resource: str) -> ApiEndpointConfig:
    return ApiEndpointConfig(
        path=PREFIX + path,
        method="GET",
        handler=handler,
        resource=resource,
        action="read",
        rate_limit=READS,
        retry_config=READ_AGAIN,
        takes_turns=True,
    )


def _waiting(path: str, handler: str, resource: str) -> ApiEndpointConfig:
    """Waits for something else than a database, which takes nobody's turn: a model, another server, news."""
    return replace(_read(path, handler, resource), takes_turns=False)


def _write(
    method: HttpMethod,
    path: str,
    handler: str,
    resource: str,
    action: str,
    *,
    body_bytes: int = 64 * KIB,
    idempotency_key: KeyUse = "optional",
) -> ApiEndpointConfig:
    return ApiEndpointConfig(
        path=PREFIX + path,
        method=method,
        handler=handler,
        resource=resource,
        action=action,
        rate_limit=WRITES,
        body_bytes=body_bytes,
        idempotency_key=idempotency_key,
    )


def _job(path: str, handler: str, resource: str) -> tuple[ApiEndpointConfig, ...]:
    """A job of this resource: looked at, followed, broken off."""
    stream = replace(_waiting(f"{path}/stream", f"{handler}_stream", resource), timeout_s=None, retry_config=None)
    cancel = _write("DELETE", path, f"{handler}_canceller", resource, "execute", body_bytes=0, idempotency_key="no")
    return _waiting(path, handler, resource), stream, cancel


def _preview(task: str, handler: str) -> ApiEndpointConfig:
    """Reads all documents, and asks up to a thousand questions of two generations."""
    made = _write(
        "POST",
        f"/models/{task}/preview",
        handler,
        "previews",
        "execute",
        body_bytes=8 * MIB,
        idempotency_key="required",
    )
    return replace(made, rate_limit=RateLimit(20, 60.0))


def _checked(path: str, handler: str) -> ApiEndpointConfig:
    """Looks at the whole installation, and takes long."""
    return replace(
        _waiting(path, handler, "system"),
        action="administer",
        rate_limit=RateLimit(10, 60.0),
        timeout_s=60.0,
        retry_config=None,
    )


def _open(path: str, handler: str) -> ApiEndpointConfig:
    return ApiEndpointConfig(
        path=path, method="GET", handler=handler, resource="system", action="read", auth_required=False
    )


def _signing_in(path: str, handler: str, rate_limit: RateLimit) -> ApiEndpointConfig:
    """Open; limited by address, and never compressed, since what it answers are keys."""
    return ApiEndpointConfig(
        path=PREFIX + path,
        method="POST",
        handler=handler,
        resource="keys",
        action="execute",
        auth_required=False,
        rate_limit=rate_limit,
        body_bytes=8 * KIB,
    )


CORE = (
    ApiEndpointConfig(
        path=f"{PREFIX}/documents",
        method="POST",
        handler="document_processor",
        resource="documents",
        action="write",
        rate_limit=RateLimit(100, 60.0),
        timeout_s=30.0,
        retry_config=RetryConfig.exponential(3, 0.100),
        body_bytes=DOCUMENT_BYTES,
        idempotency_key="optional",
    ),
    ApiEndpointConfig(
        path=f"{PREFIX}/entities/extract",
        method="POST",
        handler="entity_extractor",
        resource="processing",
        action="execute",
        rate_limit=RateLimit(200, 60.0),
        timeout_s=15.0,
        retry_config=RetryConfig.exponential(2, 0.050),
        body_bytes=1 * MIB,
    ),
    ApiEndpointConfig(
        path=f"{PREFIX}/chunks/create",
        method="POST",
        handler="semantic_chunker",
        resource="processing",
        action="execute",
        rate_limit=RateLimit(150, 60.0),
        timeout_s=20.0,
        retry_config=RetryConfig.exponential(2, 0.100),
        body_bytes=1 * MIB,
    ),
    ApiEndpointConfig(
        path=f"{PREFIX}/reasoning/query",
        method="POST",
        handler="reasoning_engine",
        resource="reasoning",
        action="execute",
        rate_limit=RateLimit(50, 60.0),
        timeout_s=60.0,
        retry_config=RetryConfig.exponential(1, 0.200),
        body_bytes=64 * KIB,
    ),
)

DOCUMENTS = (
    _read("/documents", "document_list", "documents"),
    _read("/documents/{document_id}", "document_reader", "documents"),
    _read("/storage/documents", "logged_document_list", "documents"),
    replace(CORE[0], path=f"{PREFIX}/documents/{{document_id}}", method="PUT", handler="document_replacer"),
    _write("DELETE", "/documents/{document_id}", "document_remover", "documents", "delete", body_bytes=0),
    # Reads the whole log. Names are in the body, which no log of requests has.
    replace(
        _write("POST", "/subjects/find", "subject_finder", "documents", "administer", idempotency_key="no"),
        rate_limit=RateLimit(20, 60.0),
        timeout_s=3600.0,
    ),
    replace(
        _write("POST", "/subjects/erase", "subject_eraser", "documents", "administer", body_bytes=DOCUMENT_BYTES),
        rate_limit=RateLimit(20, 60.0),
    ),
    replace(_waiting("/subjects/jobs/{job_id}", "subject_job", "documents"), action="administer"),
    replace(
        _waiting("/subjects/jobs/{job_id}/stream", "subject_job_stream", "documents"),
        action="administer",
        timeout_s=None,
        retry_config=None,
    ),
    _write(
        "DELETE",
        "/subjects/jobs/{job_id}",
        "subject_job_canceller",
        "documents",
        "administer",
        body_bytes=0,
        idempotency_key="no",
    ),
    ApiEndpointConfig(
        path=f"{PREFIX}/documents/lines",
        method="POST",
        handler="document_lines",
        resource="documents",
        action="write",
        rate_limit=RateLimit(20, 60.0),
        timeout_s=3600.0,
        body_bytes=1024 * MIB,
        body_type="application/x-ndjson",
    ),
    ApiEndpointConfig(
        path=f"{PREFIX}/documents/files",
        method="POST",
        handler="document_files",
        resource="documents",
        action="write",
        rate_limit=RateLimit(30, 60.0),
        timeout_s=60.0,
        body_bytes=FILE_BYTES,
        body_type="application/octet-stream",
        idempotency_key="optional",
    ),
    _read("/documents/{document_id}/status", "document_status", "documents"),
    replace(_read("/documents/{document_id}/original", "original_reader", "documents"), timeout_s=60.0),
    _read("/documents/{document_id}/chunks", "chunk_list", "chunks"),
    _read("/chunks/{chunk_id}", "chunk_reader", "chunks"),
)

KNOWLEDGE = (
    _read("/entities", "entity_list", "entities"),
    _read("/entities/{entity}", "entity_reader", "entities"),
    _read("/review", "review_list", "entities"),
    _read("/entities/{entity}/derived-relations", "derived_relations", "relations"),
    _read("/entities/{entity}/decisions", "entity_decisions", "entities"),
    _write("PATCH", "/entities/{entity}", "entity_renamer", "entities", "write"),
    _write("POST", "/entities/{entity}/aliases", "alias_adder", "entities", "write"),
    _write("DELETE", "/entities/{entity}/aliases/{alias}", "alias_remover", "entities", "write", body_bytes=0),
    _write("POST", "/entities/{entity}/merge", "entity_merger", "entities", "write"),
    _write("POST", "/entities/{entity}/split", "entity_splitter", "entities", "write", body_bytes=1 * MIB),
    _write("POST", "/entities/{entity}/undo", "decision_undoer", "entities", "write"),
    _write("POST", "/entities/{entity}/judgement", "entity_judge", "entities", "write"),
    _read("/relations", "relation_list", "relations"),
    _read("/relations/{relation_id}", "relation_reader", "relations"),
    _read("/orphaned/relations", "orphaned_relation_list", "relations"),
    _read("/orphaned/chunks", "orphaned_chunk_list", "chunks"),
    _write("PATCH", "/relations/{relation_id}", "relation_corrector", "relations", "write"),
    _write("POST", "/relations/{relation_id}/judgement", "relation_judge", "relations", "write"),
    _write("POST", "/relations/{relation_id}/undo", "relation_undoer", "relations", "write"),
    # A model may have to be loaded first.
    replace(_write("PATCH", "/chunks/{chunk_id}", "chunk_updater", "chunks", "write"), timeout_s=60.0),
    replace(_write("POST", "/chunks/merge", "chunk_merger", "chunks", "write", body_bytes=1 * MIB), timeout_s=60.0),
    replace(_write("POST", "/chunks/{chunk_id}/undo", "chunk_undoer", "chunks", "write"), timeout_s=60.0),
    _write("POST", "/reasoning/queries/{query_id}/chains/{chain}/judgement", "chain_judge", "reasoning", "write"),
    _waiting("/search", "searcher", "search"),
    _waiting("/storage/documents/{document_id}", "document_with_entities", "storage"),
    _write("POST", "/storage/search", "semantic_searcher", "storage", "read", idempotency_key="no"),
    _write("POST", "/storage/traverse", "graph_traverser", "storage", "read", idempotency_key="no"),
)

EVENTS = (
    _read("/events", "event_list", "events"),
    _read("/events/{event_id}", "event_reader", "events"),
    _read("/events/aggregates/{kind}/{aggregate_id}", "events_of_aggregate", "events"),
    _read("/events/parts/{part_id}", "events_of_part", "events"),
    _read("/events/correlations/{correlation_id}", "events_of_request", "events"),
    replace(_read("/events/traces/{name}", "request_tracer", "events"), timeout_s=60.0),
    # A model may have to be loaded first.
    replace(_write("POST", "/events/{event_id}/undo", "event_undoer", "events", "read"), timeout_s=60.0),
    replace(_waiting("/events/stream", "event_stream", "events"), timeout_s=None, retry_config=None),
)

OPERATIONS = (
    _read("/projections", "projection_status", "projections"),
    _write("POST", "/projections/past", "past_maker", "projections", "execute", idempotency_key="required"),
    _read("/projections/past/{name}", "past_reader", "documents"),
    replace(_read("/projections/past/{name}/differences", "past_differences", "documents"), timeout_s=120.0),
    # Each question is asked of both, by models that may have to be loaded first.
    replace(
        _write(
            "POST", "/projections/past/{name}/answers", "past_answers", "reasoning", "execute", idempotency_key="no"
        ),
        rate_limit=RateLimit(20, 60.0),
        timeout_s=600.0,
    ),
    _write(
        "POST",
        "/projections/{name}/replay",
        "projection_replayer",
        "projections",
        "execute",
        idempotency_key="required",
    ),
    _write("POST", "/projections/{name}/back", "projection_back", "projections", "execute", idempotency_key="required"),
    _write("POST", "/projections/{name}/verify", "projection_verifier", "projections", "execute", body_bytes=0),
    *_job("/projections/jobs/{job_id}", "projection_job", "projections"),
    replace(
        _waiting("/status", "status_reader", "system"), or_else=("documents", "read"), timeout_s=30.0, retry_config=None
    ),
    _read("/models", "model_list", "models"),
    _write("POST", "/models/embedder", "embedder_changer", "models", "administer", idempotency_key="required"),
    _write("POST", "/models/entities", "entity_model_changer", "models", "administer", idempotency_key="required"),
    _write("POST", "/models/relations", "relation_model_changer", "models", "administer", idempotency_key="required"),
    _preview("embedder", "embedder_previewer"),
    _preview("entities", "entity_model_previewer"),
    _preview("relations", "relation_model_previewer"),
    *_job("/models/previews/{job_id}", "preview_job", "previews"),
    replace(_write("POST", "/models/outputs/clear", "output_clearer", "models", "administer"), timeout_s=120.0),
    _read("/dead-letters", "dead_letter_list", "dead_letters"),
    _read("/dead-letters/{letter_id}", "dead_letter_reader", "dead_letters"),
    _write("POST", "/dead-letters/retry", "dead_letter_retrier", "dead_letters", "execute"),
    _write("POST", "/dead-letters/drop", "dead_letter_dropper", "dead_letters", "delete"),
    replace(
        _write("POST", "/processing/progress", "progress_reader", "processing", "read", body_bytes=2 * MIB),
        rate_limit=READS,
        idempotency_key="no",
    ),
    _write("POST", "/processing/reprocess", "reprocessor", "processing", "execute", body_bytes=2 * MIB),
)

SECURITY = (
    _read("/users", "account_list", "users"),
    _write("POST", "/users", "account_maker", "users", "administer"),
    _read("/users/{account}", "account_reader", "users"),
    _write("PATCH", "/users/{account}", "account_changer", "users", "administer"),
    _read("/keys", "key_list", "keys"),
    # Its answer holds a secret, which is kept nowhere.
    _write("POST", "/keys", "key_maker", "keys", "administer", idempotency_key="no"),
    _read("/keys/{key}", "key_reader", "keys"),
    _write("DELETE", "/keys/{key}", "key_revoker", "keys", "administer", body_bytes=0),
    _read("/policies", "policy_reader", "policies"),
    _read("/audit", "audit_reader", "audit"),
    _read("/data-keys", "data_key_list", "keys"),
    _write("POST", "/data-keys/rotate", "data_key_rotator", "keys", "administer"),
    _read("/threats", "block_list", "users"),
    _write("DELETE", "/threats/{identity}", "block_ender", "users", "administer", body_bytes=0),
    _checked("/compliance/reports/{standard}", "compliance_report"),
    _checked("/compliance/retention", "retention_dry_run"),
)

SIGNING_IN = (
    _signing_in("/auth/sign-in", "sign_in", RateLimit(30, 60.0)),
    _signing_in("/auth/refresh", "token_refresher", RateLimit(60, 60.0)),
    _signing_in("/auth/sign-out", "sign_out", RateLimit(60, 60.0)),
    replace(_open("/.well-known/jwks.json", "jwks"), resource="keys", rate_limit=RateLimit(60, 60.0)),
)

WEBHOOKS = (
    _read("/webhooks", "webhook_list", "webhooks"),
    # Its answer holds a secret. A name is looked up.
    replace(_write("POST", "/webhooks", "webhook_adder", "webhooks", "write", idempotency_key="no"), timeout_s=30.0),
    _write("DELETE", "/webhooks/{webhook_id}", "webhook_remover", "webhooks", "delete", body_bytes=0),
    replace(
        _write("POST", "/webhooks/{webhook_id}/test", "webhook_tester", "webhooks", "execute", body_bytes=0),
        timeout_s=30.0,
    ),
    # Its answer holds a secret, which is kept nowhere.
    _write(
        "POST",
        "/webhooks/{webhook_id}/rotate",
        "webhook_rotator",
        "webhooks",
        "write",
        idempotency_key="no",
    ),
    _write("POST", "/webhooks/{webhook_id}/resume", "webhook_resumer", "webhooks", "write", body_bytes=0),
)

SYSTEM = (
    _open("/health/live", "live"),
    _open("/health/ready", "ready"),
    _open("/openapi.json", "openapi"),
    ApiEndpointConfig(
        path="/metrics", method="GET", handler="metrics", resource="system", action="read", rate_limit=READS
    ),
)

ASSISTANTS = (
    ApiEndpointConfig(
        path=f"{PREFIX}/mcp",
        method="POST",
        handler="assistant",
        resource="search",
        action="read",
        rate_limit=RateLimit(300, 60.0),
        timeout_s=75.0,
        body_bytes=DOCUMENT_BYTES,
    ),
)

ENDPOINTS: tuple[ApiEndpointConfig, ...] = (
    *CORE,
    *DOCUMENTS,
    *KNOWLEDGE,
    *EVENTS,
    *OPERATIONS,
    *SECURITY,
    *ASSISTANTS,
    *SIGNING_IN,
    *WEBHOOKS,
    *SYSTEM,
)
