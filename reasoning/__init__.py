"""From a question to its evidence and an answer, without a language model."""
