"""Probabilities to exposure, as small objects that compose."""
