"""Events for others, sent by HTTP."""
