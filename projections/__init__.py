"""Read models folded from events: relational, graph, vector. Each can be thrown away and built again, exactly."""
