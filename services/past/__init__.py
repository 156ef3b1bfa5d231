"""Read models as they were: made under a name, read, exported, and compared."""
