"""Clients of systems outside: one way to ask them, and HuggingFace's hub on top of it."""
