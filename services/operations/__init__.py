"""How Annals fares, and what an operator does to it."""
