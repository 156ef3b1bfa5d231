"""How services find and call each other (specification 1.2: service discovery, RPC client, service mesh)."""
