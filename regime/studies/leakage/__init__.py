"""Leakage audit: whether anything of a config or its data uses the future, where, and how far."""
