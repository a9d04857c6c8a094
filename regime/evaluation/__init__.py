"""Scores and events of probabilities against a truth."""
