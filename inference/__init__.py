"""Text in; chunks, entities, relations and vectors out. Knows nothing of events or stores."""
