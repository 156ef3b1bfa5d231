"""The relational read model: documents, chunks, entities, mentions, relations, processing state, questions."""
