"""Every endpoint, in one table: routes, limits, timeouts, permissions and the OpenAPI document are made of it.

The first four have the specification's very numbers (section 1.1, `register_core_endpoints`).
"""

from gateway.endpoint import KIB, MIB, ApiEndpointConfig, RateLimit, RetryConfig

PREFIX = "/api/v1"

ENDPOINTS: tuple[ApiEndpointConfig, ...] = (
    ApiEndpointConfig(
        path=f"{PREFIX}/documents",
        method="POST",
        handler="document_processor",
        resource="documents",
        action="write",
        rate_limit=RateLimit(100, 60.0),
        timeout_s=30.0,
        retry_config=RetryConfig.exponential(3, 0.100),
        body_bytes=16 * MIB,
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
    ApiEndpointConfig(
        path="/health/live",
        method="GET",
        handler="live",
        resource="system",
        action="read",
        auth_required=False,
    ),
    ApiEndpointConfig(
        path="/health/ready",
        method="GET",
        handler="ready",
        resource="system",
        action="read",
        auth_required=False,
    ),
    ApiEndpointConfig(
        path="/metrics",
        method="GET",
        handler="metrics",
        resource="system",
        action="read",
        rate_limit=RateLimit(600, 60.0),
    ),
    ApiEndpointConfig(
        path="/openapi.json",
        method="GET",
        handler="openapi",
        resource="system",
        action="read",
        auth_required=False,
    ),
)
