"""Commands as a client of the gateway: no model, no driver of a database is loaded."""
