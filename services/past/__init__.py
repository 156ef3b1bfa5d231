"""Read models as they were: made under a name, read, and compared."""
