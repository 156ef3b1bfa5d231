"""From the best passages to an answer: spans that may be it, what speaks for each, and how sure the best one is."""
