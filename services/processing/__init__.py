"""What documents become: chunks, entities, relations (specification 1.2, AiProcessingService); models run elsewhere."""
