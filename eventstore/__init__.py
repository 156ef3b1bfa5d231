"""The log and what belongs to it: events, texts, model outputs, dead letters, positions, and the relay to Kafka."""
