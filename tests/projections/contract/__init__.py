"""What every store and every reader must keep, whichever database is behind it. Each database subclasses these."""
