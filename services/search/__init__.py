"""Searching for passages: what a person types, and what is found."""
