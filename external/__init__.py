"""What keeps both sides well where a system outside is asked: limit, circuit breaker, retries, metrics."""
