"""Documents: taken in, deleted, shown, waited for (specification 1.2, StorageService)."""
