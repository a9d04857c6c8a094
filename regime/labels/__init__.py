"""Regimes after the fact, with the day from which each is known."""
