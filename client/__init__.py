"""A client of the gateway: what command line and assistants ask of it over HTTP. No model, no driver is loaded."""
