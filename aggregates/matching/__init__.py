"""Whether two names are of one entity: pure functions of the names, their types and the contexts they stand in."""
