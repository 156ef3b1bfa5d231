"""Reading a question: what is asked for, of what, in which steps (specification: IntelligentQueryProcessor)."""
