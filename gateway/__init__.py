"""The HTTP edge (specification, section 1.1): requests in, the service layer called, answers out."""
