"""Every metric of Annals, each with what it tells. Rates are Prometheus' own: `rate(annals_processed_total[5m])`.

`consumer` is a stage (chunking, entities, relationships, completion), a read model (relational, graph, vector), the
inbox or the cache of answers.
"""

from collections.abc import Iterator, Mapping

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily

# ---- Relay ----

# Events that the broker acknowledged. Stands still while annals_lag_events{consumer="relay"} grows: the relay is stuck.
PUBLISHED = Counter("annals_published_events_total", "Events published to Kafka, by type.", ["event_type"])

# From reading a batch in PostgreSQL to the last acknowledgement and the position kept. Grows with a slow broker.
RELAY_BATCH_SECONDS = Histogram(
    "annals_relay_batch_seconds",
    "Seconds to publish a batch of events.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 35),
)

# Tries that broke off because PostgreSQL or Kafka was away or refused something. The relay tries again each time.
RELAY_FAILURES = Counter("annals_relay_failures_total", "Tries of the relay that broke off.")

# The broker had lost records and was filled again from the log. Any increase is worth a look at Kafka.
RELAY_REFILLS = Counter("annals_relay_refills_total", "Times that a broker without its records was filled again.")

# ---- Stages, projections, intake ----

# Messages that a handler processed; those that were none of its business are not counted.
PROCESSED = Counter("annals_processed_total", "Messages processed, by consumer.", ["consumer"])

# One call of a handler, with its writes. Stages run models: their large documents are in the last buckets.
BATCH_SECONDS = Histogram(
    "annals_batch_seconds",
    "Seconds to process a batch of messages, by consumer.",
    ["consumer"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

# kind: unavailable (a store was away; the batch is tried again) or failed (the batch is tried message by message).
FAILURES = Counter("annals_batch_failures_total", "Batches that failed, by consumer and kind.", ["consumer", "kind"])

# Messages set aside, by the name of their error. One of many at once: look at `annals dead-letters list`.
DEAD_LETTERS = Counter("annals_dead_letters_total", "Messages set aside, by consumer and error.", ["consumer", "error"])

# 1 while too many of a consumer's messages became dead letters, so that it waits for somebody to act: alert on it.
PAUSED = Gauge("annals_consumer_paused", "Whether a consumer is paused, in this process.", ["consumer"])

# ---- How far everything is: read from PostgreSQL when it is asked for, so it is absent while that is away ----

# Events of the log behind the consumer's position in its slowest partition; for `relay`, those not published yet.
LAG_EVENTS = "annals_lag_events"

# Age of the first of them. This is what to alert on: a constant lag in events may be a busy log, a growing age is not.
LAG_SECONDS = "annals_lag_seconds"


def lag_families(lags: Mapping[str, tuple[int, float]]) -> Iterator[GaugeMetricFamily]:
    """Both gauges from (events, seconds) of each consumer."""
    events = GaugeMetricFamily(LAG_EVENTS, "Events behind a consumer's position.", labels=["consumer"])
    seconds = GaugeMetricFamily(LAG_SECONDS, "Seconds since the first of them was stored.", labels=["consumer"])
    for consumer, (count, age_s) in lags.items():
        events.add_metric([consumer], count)
        seconds.add_metric([consumer], age_s)
    yield events
    yield seconds


# ---- The audit log ----

# Entries that were stored. Many that were denied or failed: `annals audit list --outcome denied`.
AUDIT_ENTRIES = Counter("annals_audit_entries_total", "Audit entries stored.", ["category", "outcome"])

# Tries to store entries that failed, as while PostgreSQL is away. What must be audited is refused then: alert on it.
AUDIT_FAILURES = Counter("annals_audit_failures_total", "Tries to store audit entries that failed.")

# Messages of an inbox that nobody has taken in yet; from Kafka, so it is absent while that is away. Where it grows, no
# intake runs, or it is paused.
INBOX_LAG = "annals_inbox_lag_messages"


def inbox_family(lags: Mapping[str, int]) -> GaugeMetricFamily:
    """The gauge from the messages of each topic."""
    family = GaugeMetricFamily(INBOX_LAG, "Messages of an inbox that are not taken in yet.", labels=["topic"])
    for topic, count in lags.items():
        family.add_metric([topic], count)
    return family


# ---- Questions ----

# Answers that were given and whose events are not in the log and will not be: it was away for too long. Any is a gap.
ANSWERS_LOST = Counter("annals_answers_lost_total", "Events of answers that could not be stored.")

# ---- Threats ----

# What was found unusual of an account or an address: `annals audit list --category threat` explains each. Alert on it.
THREATS = Counter("annals_threats_total", "Threats that were found, by kind.", ["kind"])

# Found while too many were waiting to be told: they block, and are counted above, and no event says so.
THREATS_UNTOLD = Counter("annals_threats_untold_total", "Threats that no event tells.")

# ---- Clients of systems outside ----

# How tries end: ok, refused (4xx), limited (429), failed (5xx), unreachable (no answer, or a cut one),
# invalid (not what was promised), cancelled (by us), circuit_open and held_back (not sent: by the breaker, by our own
# rate limit). Many of one kind say what ails the system.
EXTERNAL_REQUESTS = Counter("annals_external_requests_total", "Tries by system and outcome.", ["system", "outcome"])

# From sending to the last byte of the body, so downloads of large files are in the last buckets.
EXTERNAL_SECONDS = Histogram(
    "annals_external_request_seconds",
    "Seconds a try took.",
    ["system"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

# Rising faster than requests: the system is failing, and waits are growing.
EXTERNAL_RETRIES = Counter("annals_external_retries_total", "Tries after the first, by system.", ["system"])

# kind: fresh (nothing was sent) or revalidated (the system said that nothing had changed).
EXTERNAL_CACHE_HITS = Counter(
    "annals_external_cache_hits_total", "Answers from the response cache.", ["system", "kind"]
)

# 0 closed (all is well), 1 half open (the next request decides), 2 open (nothing is sent).
EXTERNAL_BREAKER = Gauge("annals_external_breaker_state", "State of the circuit breaker.", ["system"])

# Bytes of files that were taken in, without what a resumed download already had.
EXTERNAL_BYTES = Counter("annals_external_downloaded_bytes_total", "Bytes of files received, by system.", ["system"])

# ---- Queries of several databases ----

# outcome: found, absent (nobody asked the same lately) or outdated (the content changed since: many of these mean that
# answers are kept for nothing, since more is written than asked).
QUERY_CACHE = Counter("annals_query_cache_total", "Look-ups of answers of cross-database queries.", ["outcome"])

# ---- Gateway ----

# Requests answered, by method and path of the endpoint table (`unknown` for none of it) and HTTP status.
# 429: a client is over its limit; 503: a store is away; 500 is a fault of ours.
HTTP_REQUESTS = Counter("annals_http_requests_total", "Requests answered.", ["method", "path", "status"])

# From the first byte of the request's head to the last of the answer, so live streams are in the last bucket.
HTTP_SECONDS = Histogram(
    "annals_http_request_seconds",
    "Seconds to answer a request.",
    ["method", "path"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

# Requests that are being answered now. Grows without falling: handlers hang.
HTTP_IN_FLIGHT = Gauge("annals_http_requests_in_flight", "Requests being answered, in this process.")

# Bytes of answers' bodies, as sent.
HTTP_BYTES = Counter("annals_http_response_bytes_total", "Bytes of bodies sent.", ["method", "path"])

# ---- Webhooks ----

# outcome: arrived, failed (tried again), given_up (a dead letter now). Failures alone: `annals webhooks list` says why.
WEBHOOK_DELIVERIES = Counter("annals_webhook_deliveries_total", "Tries to send events to webhooks.", ["outcome"])

# One try, from looking the name up to the answer. Near 15 s: receivers that do not answer.
WEBHOOK_SECONDS = Histogram(
    "annals_webhook_seconds", "Seconds of a try.", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
)

# Webhooks that were paused: gone, failing for days, or of somebody who may not read any more. Alert on it.
WEBHOOKS_PAUSED = Counter("annals_webhooks_paused_total", "Webhooks that were paused.")

# ---- Services: the side that is asked ----

# status: the HTTP status of the answer, or cancelled (whoever asked went away). 401: somebody has no valid token.
SERVICE_REQUESTS = Counter("annals_service_requests_total", "Requests to a service.", ["operation", "status"])

# From the first byte to the answer. Operations run models: the last buckets are theirs.
SERVICE_SECONDS = Histogram(
    "annals_service_request_seconds",
    "Seconds a service took for a request.",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)

# Requests under way by what the instance does at once. Above 1 they wait for each other: this is what scaling goes by.
SERVICE_LOAD = Gauge("annals_service_load", "Load of this process' service, 1 is full.", ["service"])

# ---- Services: the side that asks ----

# outcome: ok, or the name of the error. NotSentError and LostError: an instance went away; many of one: it is ill.
RPC_REQUESTS = Counter("annals_rpc_requests_total", "Tries of calls.", ["service", "operation", "outcome"])

# With the wait for a connection. Far above annals_service_request_seconds: look at the network, or at busy cores.
RPC_SECONDS = Histogram(
    "annals_rpc_seconds",
    "Seconds a try of a call took.",
    ["service", "operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)

# Tries after the first. They stop growing where the retry budget is used up, and calls fail instead.
RPC_RETRIES = Counter("annals_rpc_retries_total", "Tries of calls after the first.", ["service"])

# Instances that failed five times in a row, to which nothing is sent for a while. Above 0: see their logs.
RPC_BREAKERS = Gauge("annals_rpc_open_breakers", "Instances whose breaker is open or half open.", ["service"])

# Instances that are passed over for a while because they failed time and again. It goes back by itself.
RPC_EJECTED = Gauge("annals_rpc_ejected_instances", "Instances that are not chosen now.", ["service"])
