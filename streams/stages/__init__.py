"""The stages a document goes through. Each turns one event of a document into the next one."""
