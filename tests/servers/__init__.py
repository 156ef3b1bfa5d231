"""Real servers for the tests of the servers profile: Kafka, Neo4j, OpenSearch and Redis."""
