"""The graph read model on Neo4j 5.26 community."""
