"""Measurements: how fast Annals is beside the bare parts that it is made of, in one run on one machine."""
