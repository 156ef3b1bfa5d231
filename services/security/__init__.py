"""Use cases over identities and access: who comes in, with which credential, and what he may do."""
