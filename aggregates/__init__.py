"""What may happen and what it means: aggregates decide, as plain functions from state and command to events."""
