"""Funds that trade on volatility, and margin debt."""
