"""Documents from the web: fetched where that is allowed, from public addresses, as each site lets robots do."""
