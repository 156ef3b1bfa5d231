"""Every metric of the clients of systems outside, each with what it tells."""

from prometheus_client import Counter, Gauge, Histogram

# How tries end: ok, refused (4xx), limited (429), failed (5xx), unreachable (no answer, or a cut one),
# invalid (not what was promised), cancelled (by us), circuit_open and held_back (not sent: by the breaker, by our own
# rate limit). Many of one kind say what ails the system.
REQUESTS = Counter("annals_external_requests_total", "Tries by system and outcome.", ["system", "outcome"])

# From sending to the last byte of the body, so downloads of large files are in the last buckets.
SECONDS = Histogram(
    "annals_external_request_seconds",
    "Seconds a try took.",
    ["system"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

# Rising faster than requests: the system is failing, and waits are growing.
RETRIES = Counter("annals_external_retries_total", "Tries after the first, by system.", ["system"])

# kind: fresh (nothing was sent) or revalidated (the system said that nothing had changed).
CACHE_HITS = Counter("annals_external_cache_hits_total", "Answers from the response cache.", ["system", "kind"])

# 0 closed (all is well), 1 half open (the next request decides), 2 open (nothing is sent).
BREAKER = Gauge("annals_external_breaker_state", "State of the circuit breaker.", ["system"])

# Bytes of files that were taken in, without what a resumed download already had.
BYTES = Counter("annals_external_downloaded_bytes_total", "Bytes of files received, by system.", ["system"])
