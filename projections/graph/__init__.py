"""The graph read model: entities and passages, and the typed edges between them."""
