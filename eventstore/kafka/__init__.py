"""Kafka: the relay that publishes the log, its producer, topics, ownership and progress."""
