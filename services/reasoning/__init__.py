"""Questions (specification 1.2, ReasoningService)."""
