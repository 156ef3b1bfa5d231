"""The command line, the settings, and the one place that knows which store is used."""
