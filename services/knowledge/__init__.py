"""What people know better than the machine: their decisions on entities."""
